#!/bin/sh
# Creates the namespace of Waybill's processes if it is not there. Server and namespace are in TEMPORAL_*.
set -eu
if temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; then
	exit 0
fi
temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$RETENTION"
