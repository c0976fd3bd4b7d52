// Package sqldrivers tests pgstore on database/sql, with the driver of pgx and with lib/pq. It is a
// module of its own, so that lib/pq stays out of the library.
package sqldrivers
