package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/server/common/dynamicconfig"
)

// fastAndSmall is the dynamic configuration of a server that one developer or one test run uses.
func fastAndSmall() dynamicconfig.StaticClient {
	return dynamicconfig.StaticClient{
		// One shard polls its queues 20 times a second by default: every step of a workflow would wait up to 50 ms.
		dynamicconfig.TransferProcessorMaxPollRPS.Key():   1000,
		dynamicconfig.TimerProcessorMaxPollRPS.Key():      1000,
		dynamicconfig.VisibilityProcessorMaxPollRPS.Key(): 1000,
		// By default timers, retries and heartbeat timeouts fire up to a second late.
		dynamicconfig.TimerProcessorMaxTimeShift.Key(): 50 * time.Millisecond,
		// Partitions spread the load of a queue over hosts; with one host they only forward to each other.
		dynamicconfig.MatchingNumTaskqueueReadPartitions.Key():  1,
		dynamicconfig.MatchingNumTaskqueueWritePartitions.Key(): 1,
		// A search attribute can be used as soon as it is created.
		dynamicconfig.ForceSearchAttributesCacheRefreshOnRead.Key(): true,
		// Which reads the database for each execution that is listed.
		dynamicconfig.FrontendPersistenceMaxQPS.Key(): 100_000,
		// No calls home.
		dynamicconfig.EnableServerVersionCheck.Key(): false,
	}
}

// addDynamicConfig reads key=JSON. The server's own loader does it: it keeps whole numbers whole (the server ignores
// a float where it wants an int, without a word) and knows all keys and their types, so that a slip is an error here.
func (o *options) addDynamicConfig(s string) error {
	key, value, ok := strings.Cut(s, "=")
	if !ok || key == "" || value == "" {
		return errors.New("want key=JSON, as in frontend.rps=100")
	}
	var l dynamicconfig.YamlLoader
	l.LoadValue(dynamicconfig.MakeKey(key), []byte("- value: "+value))
	if err := errors.Join(append(l.Errors, l.Warnings...)...); err != nil {
		return fmt.Errorf("server setting %q: %w", key, err)
	}
	for k, v := range l.Map {
		o.dynamicConfig[k] = v
	}
	return nil
}
