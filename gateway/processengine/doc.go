// Package processengine serves external tasks as process-engine.io does (bases /api/external_task/v1 and /api/consumer/v1), and as its successor
// ProcessCube does (/atlas_engine/api/v1/external_tasks): the clients that people have take them unchanged.
//
// The answers are those of @process-engine/consumer_api_http 5.5.1 and consumer_api_core 6.5.0, which the tests run beside ours. Theirs are
// different where testdata/reference cannot be what an honest server does; reference_test.go has the list.
//
// Neither contract knows retries. A worker that fails has its task end with an error, which an error event of the model may catch; what nothing
// catches is an incident here, where process-engine ends the instance with an error.
//
// A task tells who started its instance (identity.userId, ownerId), but never with which token: identity.token is empty. What one caller came
// with is no other's to have.
package processengine
