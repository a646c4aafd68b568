// Package access says who may call the gateway, and what of external tasks: by tokens whose hashes stand in a file, by tokens of an OpenID provider, and
// without any token from this machine, where none are asked for. It knows nothing of what is called.
//
// A token comes as a bearer (RFC 6750), or as the password of Basic (RFC 7617), which is what clients of Camunda and Flowable send; the user name does not
// count, since the token says whose it is. Those who have none are answered with a challenge for bearers alone: browsers ask people for what
// Basic wants, and would send it with the requests of other sites' pages from then on.
package access
