package events

import "time"

// fields are how a batch is written and how it is read: both go through the same list. A number, once given, always means the same field;
// below 16 are those that most events have, since they take a byte less.
type fields interface {
	sequence(n int, value *int64) // how much it is more than the one before and 1
	text(n int, value *string)
	integer(n int, value *int64)
	number(n int, value *int)
	optional(n int, value **int64)
	moment(n int, value *time.Time) // how much later than the moment before
	flag(n int, value *bool)
	list(n int, value *[]string)
	data(n int, value *[]byte)
}

// maxField is above all numbers.
const maxField = 64

func (p *Process) fields(f fields) {
	f.text(1, &p.Instance)
	f.text(2, &p.Key)
	f.number(3, &p.DefinitionVersion)
	f.text(4, &p.Name)
	f.text(5, &p.BusinessKey)
	f.text(6, &p.Tenant)
	f.text(7, &p.Root)
	f.text(8, &p.Parent)
	f.moment(9, &p.Began)
}

// entry is an event with what it has of any type as JSON.
type entry struct {
	Event
	value, variables []byte
}

func (e *entry) fields(f fields) {
	f.sequence(1, &e.Sequence)
	f.text(2, (*string)(&e.Type))
	f.moment(3, &e.Time)
	f.text(4, &e.Ref)
	f.text(5, (*string)(&e.Status))
	f.moment(6, &e.Start)
	f.moment(7, &e.End)
	f.optional(8, &e.Duration)
	f.text(9, &e.ActivityID)
	f.text(10, &e.ActivityName)
	f.text(11, &e.ActivityType)
	f.text(12, &e.ExecutionID)
	f.text(13, &e.Activity)
	f.text(14, &e.SourceID)
	f.text(15, &e.TargetID)

	f.integer(16, &e.Revision)
	f.text(17, &e.UserID)
	f.text(18, &e.SourceName)
	f.text(19, &e.SourceType)
	f.text(20, &e.TargetName)
	f.text(21, &e.TargetType)
	f.text(22, &e.SignalName)
	f.text(23, &e.MessageName)
	f.text(24, &e.ErrorCode)
	f.text(25, &e.Error)
	f.text(26, &e.TaskID)
	f.text(27, &e.Name)
	f.text(28, &e.TaskKey)
	f.text(29, &e.Description)
	f.text(30, &e.Assignee)
	f.text(31, &e.Owner)
	f.text(32, &e.Category)
	f.moment(33, &e.Due)
	f.moment(34, &e.Claimed)
	f.text(35, &e.FormKey)
	f.number(36, &e.Priority)
	f.list(37, &e.CandidateUsers)
	f.list(38, &e.CandidateGroups)
	f.text(39, &e.Implementation)
	f.text(40, &e.Topic)
	f.text(41, &e.WorkerID)
	f.number(42, &e.Attempts)
	f.text(43, &e.Action)
	f.text(44, &e.Mailbox)
	f.text(45, &e.MessageID)
	f.number(46, &e.Recipients)
	f.text(47, &e.Outcome)
	f.data(48, &e.value)
	f.text(49, &e.ValueType)
	f.flag(50, &e.Cut)
	f.flag(51, &e.Masked)
	f.data(52, &e.variables)
	f.moment(53, &e.LockedUntil)
}

// common are the texts that every batch may refer to without having them. Their order is a part of the format.
var common = []string{
	string(ProcessStarted), string(ProcessEnded), string(TaskCreated), string(TaskAssigned), string(TaskCompleted), string(FlowTaken),
	string(ActivityStarted), string(ActivityCompleted), string(ActivitySignaled), string(ActivityMessage), string(ActivityCompensate),
	string(ActivityError), string(VariableCreated), string(VariableUpdated), string(VariableDeleted), string(TaskCancelled),
	string(ActivityCancelled), string(IntegrationRequest), string(IntegrationResult), string(IntegrationError), string(IncidentCreated),
	string(IncidentResolved), string(MailReceived), string(MailSent), string(ExternalTaskCreated), string(ExternalTaskLocked),
	string(ExternalTaskEnded), string(ExternalTaskFailed),
	string(Active), string(Completed), string(Cancelled), string(Failed),
	"startEvent", "endEvent", "sequenceFlow", "serviceTask", "userTask", "exclusiveGateway", "parallelGateway", "scriptTask",
	"string", "integer", "double", "boolean", "date", "json",
}

// commonPlaces are where in common they are.
var commonPlaces = func() map[string]uint64 {
	places := map[string]uint64{}
	for i, text := range common {
		places[text] = uint64(i)
	}
	return places
}()

// maxTexts bounds the texts of a batch that what follows may refer to.
const maxTexts = 4096
