// Package archive keeps the documents of events for good in a blob store, so that an index can be made again when Temporal has long
// forgotten the histories. It knows of files only: neither of Temporal nor of Elasticsearch.
//
// The indexer stages what it has indexed: events-staged/<name>-<part>-<digest>.ndjson.gz, one JSON document a line. The name is that of a
// block of the indexer and the digest that of the text, so that a repetition writes the same file again, and one that has found more
// writes another.
//
// Move takes staged files together into blocks, events/<tenant>/<yyyy-mm-dd>/<batch>.ndjson.gz, by the tenant and the day (UTC) of the
// event; manifest.json beside them lists the blocks of a day with their SHA-256 and counts. A block that is listed never changes. Move
// works in batches: it reads staged files until the batch is full, writes down which they are (events-moving.json), writes the blocks,
// each followed by its manifest, notes that the batch is merged, and only then deletes the staged files. The name of a batch comes from
// those of its files. So whatever interrupts it, the next Move does the rest of the same batch: nothing is lost, and nothing is there
// twice. Two at a time would do no harm but to a manifest, of which the later would win; the workflow of the archive sees to it that there
// is only one.
//
// The same document of the same version is kept once in a batch. Across batches it can be there again, such as when the indexer went over
// an execution twice, and does no harm: its id and version are the same.
package archive
