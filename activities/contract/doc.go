// Package contract is where workflows and activities meet: the names, ids, inputs and results that cross between them
// and the clients that talk to them. It is a leaf: plain data, no behaviour, nothing of the world.
//
// What stands here is written into histories. A field may be added; none may change its meaning or its JSON name.
package contract
