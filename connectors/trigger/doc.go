// Package trigger reads trigger files and says what an event makes them do: start a
// process, hand over a message, send a signal or call a connector.
// It is pure: no I/O and no clock, and the same file and event always give the same answer.
//
// A trigger has one event and one action. The event is of a mail or the account of a mailbox, of a connector, or of a timer. Match applies
// the rules in this order: automatic mail is left alone unless the trigger accepts it (RFC 3834), the inputs that bear the name of an output
// must agree with it, all filters must match, the pattern must be found, the condition must hold. Action then fills the payload in, Answer
// what the caller of a webhook is answered, Echo what the sender is. Several triggers may match one event; each acts.
//
// What an event of a connector has for inputs and outputs its definition says, which Parse is given and Read is not: whoever fires a trigger
// has no definitions, so what must be known of them is stored with the trigger, see Deployment.
//
// The pattern is a Java regular expression. It is found anywhere in the text (write ^ and $ for a whole match), and
// its named groups become matchGroups. What Java has and Go lacks is translated where the meaning stays exactly the
// same, and refused with the reason where it does not, also where Go would silently read something else; see translate.go.
// Three things are as Go has them: (?i) is of all letters, as Java's (?iu); \b knows the letters of ASCII, as Java's
// since 19; and line ends at the end of the text are dropped.
//
// Values of the payload are static, ${expressions} over the event's outputs, or {"type":"variable","value":"name"}.
// A value that came with the event is data: it is never read as an expression.
package trigger
