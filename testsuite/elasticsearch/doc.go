// Package elasticsearch runs Elasticsearch for tests: the server itself, which Elastic publishes on Maven Central as a library, on the JVM
// of the machine. Each server has its own data in a temporary folder, its own ports of 127.0.0.1, and 512 MB of heap.
//
// Tests that break nothing share one server, as in
//
//	var server elasticsearch.Shared
//
//	func TestMain(m *testing.M) { os.Exit(server.Run(m)) }
//
//	func TestReport(t *testing.T) { c := server.Client(t) ... }
//
// and use names of indexes of their own. When ELASTICSEARCH_URL is set, that is the server; else the service elasticsearch of
// docker-compose.yml is, when it runs (docker compose --profile analytics up elasticsearch). A test that kills the server, changes its
// settings or needs TLS and accounts calls Start. Where Java or Maven is missing tests are skipped with what to install, and fail when the
// environment has CI=true.
//
// The first use on a machine builds the folder server with Maven, into waybill/elasticsearch-<hash>/ of the user's cache folder. What is
// not on Maven Central is not in this server: index lifecycle management, data streams, Painless and other scripts, ingest pipelines,
// reindex, update and delete by query, and the aggregations of the module aggregations (bucket_sort and other pipelines,
// auto_date_histogram). org.codelibs' elasticsearch-cluster-runner, which brings some of those, ends at 7.10 there. Security is real,
// except for SAML: TLS, accounts, roles, API keys.
package elasticsearch
