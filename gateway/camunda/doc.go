// Package camunda serves external tasks as Camunda 7's REST API does (base /engine-rest): the clients that people have take them unchanged.
package camunda
