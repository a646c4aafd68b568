package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/waybill-io/waybill/activities/contract"
)

// mailed records the mails that one notice became.
func (a *alerts) mailed(ctx workflow.Context, n contract.Notified) {
	if len(n.Sent) == 0 || workflow.GetVersion(ctx, "alert-mails-recorded", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return
	}
	if a.diary == nil {
		var err error
		if a.diary, err = a.recording.diary(ctx, &a.Diary); err != nil {
			workflow.GetLogger(ctx).Error("mails of alerts are not recorded", "rule", a.Rule, "error", err)
			return
		}
	}
	for _, m := range n.Sent {
		e := mailSent(workflow.Now(ctx), m.MessageID, len(m.Accepted))
		e.Ref = fmt.Sprintf("mail.%d.%d", a.Diary.Began.Unix(), a.Diary.Sequence+1) // the next time that the rule has alerts, it counts anew
		a.diary.write(workflow.Now(ctx), e)
	}
}
