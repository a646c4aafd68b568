// Package ledger finds out whether an index holds what it should, without holding all of it in memory.
//
// Whoever goes through the sources of an index, histories and archive, writes into a ledger what each document should be: its id, its
// version and the checksum of what it says. Many may write at a time, in parts; a part that is written again takes the place of the one of
// its name. The same document may be in many of them: the highest version counts.
//
// The comparison is done in shares, by the hash of the id, each as large as memory allows: the entries of a share are read from all parts
// and sorted, then the index is gone through and each of its documents looked up. What is in one alone, or not the same in both, is a
// difference. A checksum over ids and versions that does not depend on their order says the same in one number.
//
// What happened late, when the sources were already being read, is in one and may not be in the other yet: it is not compared.
package ledger
