// Package freemarker renders templates of mails and messages written in a subset of the FreeMarker language. What is outside the subset
// is refused when the template is parsed, with its line, and never passed through into a mail.
//
//	${name}  ${a.b}  ${list[0].b}     a value; unknown or null is an error that names it
//	${a.b!"default"}  ${a.b!}         with a default (text, number, true, false, nothing) when any part is missing
//	${a.b?html}                       escaped for HTML; in an HTML template every value is escaped, once
//	<#if c> <#elseif c> <#else> </#if>
//	<#list a.b as x> </#list>         x_index and x_has_next are set inside
//	<#-- comment -->
//
// A condition compares with ==, !=, lt, lte, gt, gte (or < <= and, in parentheses, > >=), joins with && || ! and
// parentheses, and asks with a.b?? whether a value is there; a.b!"default" works there too. It is evaluated by package
// juel after the parts that are FreeMarker's alone have become variables.
//
// Differences from FreeMarker: numbers print plainly (1234.5, never 1,234.5), booleans print true and false, a default
// counts for the whole path as if it stood in parentheses, and output is bounded. As there, a line that holds nothing
// but tags leaves no empty line behind.
//
// A template in Mrkdwn, the markup of Slack's messages, may hold its marks for people and channels, <@U123>, <@${id}> and <#C123>, which
// would be macros and tags elsewhere.
//
// The algorithm: a lexer cuts the source into text, interpolations and tags; blank lines around tags are dropped; a
// recursive parser builds a tree; each node writes itself. A value is never parsed as a template.
package freemarker
