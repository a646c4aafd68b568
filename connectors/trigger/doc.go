// Package trigger reads trigger files and says what an event makes them do: start a process or hand over a message.
// It is pure: no I/O and no clock, and the same file and event always give the same answer.
//
// A trigger has one event, connector.<instance>.EMAIL_RECEIVED or another of a mail or of the mailbox itself, and one action. Match applies the rules in this
// order: automatic mail is left alone unless the trigger accepts it (RFC 3834), all filters must match, the pattern must
// be found, the condition must hold. Action then fills the payload in. Several triggers may match one event; each acts.
//
// The pattern is a Java regular expression. It is found anywhere in the text (write ^ and $ for a whole match), and
// its named groups become matchGroups. What Java has and Go lacks is translated where the meaning stays exactly the
// same, and refused with the reason where it does not, also where Go would silently read something else; see translate.go.
// Three things are as Go has them: (?i) is of all letters, as Java's (?iu); \b knows the letters of ASCII, as Java's
// since 19; and line ends at the end of the text are dropped.
//
// Values of the payload are static, ${expressions} over the event's outputs, or {"type":"variable","value":"name"}.
// A value that came with the mail is data: it is never read as an expression.
package trigger
