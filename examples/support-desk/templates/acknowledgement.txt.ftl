Hello,

thank you for your mail "${subject}". It has reached our support desk, and we will answer it
within two working days.

If it becomes urgent, write to us again with "urgent" in the subject: somebody is on call day and night.
<#if customerNumber?? && customerNumber != "">

Your customer number: ${customerNumber}
</#if>

Your support desk
