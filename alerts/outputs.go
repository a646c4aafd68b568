package alerts

import (
	"encoding/json"
	"maps"

	"github.com/waybill-io/waybill/activities/contract"
)

// Outputs are an alert as expressions of rules and templates see it: all fields are there, with "" for none.
func Outputs(a contract.Alert) map[string]any {
	a.Severity = Severity(a)
	out := map[string]any{}
	for _, name := range outputNames {
		out[name] = ""
	}
	text, err := json.Marshal(a)
	if err == nil {
		err = json.Unmarshal(text, &out) // over what is there
	}
	if err != nil {
		return out // an alert is plain data
	}
	out["test"] = a.Test != nil
	details := map[string]any{"code": "", "reason": "", "details": ""}
	given, _ := out["faultDetails"].(map[string]any)
	maps.Copy(details, given)
	out["faultDetails"] = details
	out["processVersion"], out["incident"] = int64(a.ProcessVersion), int64(a.Incident)
	return out
}
