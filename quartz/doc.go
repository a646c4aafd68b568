// Package quartz reads the cron expressions of the Quartz scheduler and computes when they fire. It is pure, and knows nothing of who waits.
//
// An expression has the fields seconds, minutes, hours, day of the month, month, day of the week and, if it likes, year, with spaces
// between. A field is *, or a list with commas of values, ranges (a-b, which may wrap: FRI-MON) and steps (a/n, a-b/n, */n). Months and
// days of the week have English names of three letters; days of the week count from 1, Sunday. One of the two fields for days is ?. The
// day of the month may be L (the last), L-n, nW (the weekday nearest to n in the month), LW or L-nW; the day of the week L (Saturday),
// nL (the last n of the month) or n#k (the k-th n); none of these is part of a list. A month without the day 31 has no 31W either, where
// what Quartz does depends on where it starts from.
//
// The rules are those of org.quartz.CronExpression 2.3, whose answers are the tables of the tests. github.com/reugn/go-quartz 0.15.2 was
// tried first: it fires 29 February on 1 March, takes L for the last Saturday, and knows neither ranges that wrap nor L-nW.
package quartz
