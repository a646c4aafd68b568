// Package flowable serves external tasks as Flowable's external worker API does (base /external-job-api): the clients that people have take them
// unchanged.
//
// Status codes, texts and shapes are those of Flowable 7 (modules flowable-external-job-rest and flowable-common-rest). There is no CMMN: a worker that
// acquires jobs of scopeType cmmn gets none. Nobody waits: a request is answered at once, as in Flowable.
// What differs: who has failed may still answer until another has the job, and who acquires asks no other (numberOfRetries has no meaning).
package flowable
