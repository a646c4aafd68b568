// Package kibana makes the dashboard for Kibana that deploy/kibana/waybill.ndjson holds for the default tenant: data views of the four
// indexes, Lens visualizations, and the dashboard that shows them, as Kibana's "Import" of saved objects takes them.
//
// Objects carry the versions in which Kibana 8.9 wrote them (coreMigrationVersion 8.8.0, typeMigrationVersion 8.9.0, of data views 8.0.0), so that
// every Kibana from 8.9 on takes them and brings them up to its own. Ids begin with the prefix of the indexes: importing again replaces, and
// the dashboards of several tenants stand beside each other.
package kibana
