package analytics

// mappingVersion counts changes of the mapping: fields may come, and none may change its type without a rebuild.
const mappingVersion = 3

type object = map[string]any

// longest is how many characters of a text are indexed: the most that always are within the 32,766 bytes of a term. What is longer stays in
// the document, and is not found by its value.
const longest = 8191

// field returns a new field of a type.
func field(kind string) object { return object{"type": kind} }

func keyword() object { return object{"type": "keyword", "ignore_above": longest} }

// named is a keyword that is searched by its words, too, as name.text.
func named() object {
	k := keyword()
	k["fields"] = object{"text": field("text")}
	return k
}

// words is a text as a person writes it, and as .keyword the whole.
func words() object {
	return object{"type": "text", "fields": object{"keyword": keyword()}}
}

// kept is in the document, whatever it is, and not searched.
func kept() object { return object{"type": "object", "enabled": false} }

// properties are the fields of a document (events.Document), the same in all indexes, so that one search over several of them finds no
// field of two types.
func properties() object {
	all := object{
		"value": kept(), "variables": kept(),
		"stringValue": words(), "errorMessage": words(), "description": words(),
		// As text of any length.
		"jsonValue": object{"type": "keyword", "index": false, "doc_values": false, "ignore_above": longest},
	}
	for _, name := range []string{"processDefinitionName", "name", "activityName"} {
		all[name] = named()
	}
	for _, name := range []string{
		"id", "processInstanceId", "processDefinitionKey", "processDefinitionId", "businessKey", "tenantId", "rootProcessInstanceId", "parentProcessInstanceId",
		"kind", "type", "ref", "userId", "status", "activityId", "activityType", "executionId", "activity",
		"sourceActivityId", "sourceActivityName", "sourceActivityType", "targetActivityId", "targetActivityName", "targetActivityType",
		"signalName", "messageName", "errorCode", "taskId", "taskDefinitionKey", "assignee", "owner", "category", "formKey", "candidateUsers", "candidateGroups",
		"implementation", "topic", "workerId", "action", "mailbox", "messageId", "outcome", "variableType", "uuidValue",
	} {
		all[name] = keyword()
	}
	for _, name := range []string{"began", "timeStamp", "createTime", "startTime", "endTime", "dueDate", "claimTime", "lockExpirationTime", "dateValue"} {
		all[name] = field("date")
	}
	for _, name := range []string{"processDefinitionVersion", "sequence", "revision", "duration", "priority", "attempts", "recipients", "longValue"} {
		all[name] = field("long")
	}
	for _, name := range []string{"truncated", "masked", "booleanValue"} {
		all[name] = field("boolean")
	}
	all["shortValue"], all["integerValue"], all["doubleValue"] = field("short"), field("integer"), field("double")
	return all
}

// letterProperties are the fields of a dead letter.
func letterProperties() object {
	return object{
		"id": keyword(), "index": keyword(), "tenant": keyword(), "documentId": keyword(), "version": field("long"), "document": kept(),
		"type": keyword(), "reason": words(), "count": field("long"), "first": field("date"), "last": field("date"), "cut": field("boolean"),
	}
}

func mapping(fields object) object {
	return object{"dynamic": false, "_meta": object{"waybill": object{"version": mappingVersion}}, "properties": fields}
}
