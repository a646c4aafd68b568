// Package flowable serves external tasks as Flowable's external job API does.
package flowable
