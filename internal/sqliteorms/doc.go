// Package sqliteorms tests sqlitestore in transactions of GORM and Bun. It is a module of its own, so
// that they are not dependencies of sqlitestore. It contains only tests.
package sqliteorms
