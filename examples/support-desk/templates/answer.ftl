<!DOCTYPE html>
<html lang="en">
<body style="font-family: sans-serif; line-height: 1.4; max-width: 42em">
<#-- Values are escaped; pre-wrap keeps the lines of the answer as they were typed. -->
<div style="white-space: pre-wrap">${answer}</div>
<p>Your support desk</p>
<#if body?? && body != "">
<p style="color: #666">You wrote:</p>
<blockquote style="margin: 0; padding-left: 1em; border-left: 3px solid #ccc; color: #666; white-space: pre-wrap">${body}</blockquote>
</#if>
</body>
</html>
