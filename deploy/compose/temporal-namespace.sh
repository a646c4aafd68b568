#!/bin/sh
# Creates the namespace of Waybill's processes if it is not there. Server and namespace are in TEMPORAL_*. A server's
# port is open a little before it answers, hence the attempts.
set -eu
for attempt in $(seq 30); do
	if temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; then
		exit 0
	fi
	if [ "$attempt" -gt 1 ]; then
		sleep 1
	fi
	temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$RETENTION" || true
done
exit 1
