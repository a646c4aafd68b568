An urgent mail waits for an answer.

Customer: ${customer}<#if customerNumber?? && customerNumber != ""> (${customerNumber})</#if>
Subject:  ${subject}
Case:     ${case}
<#list attachments as file>
Attached: ${file.name}
</#list>

See its open task:   starter task list --instance ${case}
Send an answer:      starter task complete TASK --var answer="..."

Please do not answer this mail: the customer would not see it.

---- The mail ----
${body}
