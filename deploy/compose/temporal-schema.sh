#!/bin/sh
# Creates Temporal's two databases, or brings their schemas up to date. Host, user and password are in SQL_*.
set -eu
for name in temporal visibility; do
	case $name in
	temporal) database=temporal ;;
	visibility) database=temporal_visibility ;;
	esac
	temporal-sql-tool --database "$database" create-database
	temporal-sql-tool --database "$database" setup-schema --version 0.0
	temporal-sql-tool --database "$database" update-schema --schema-name "postgresql/v12/$name"
done
