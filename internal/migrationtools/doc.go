// Package migrationtools applies the migrations of packages pgstore and sqlitestore with the tools
// that their documentation names. It is a module of its own, so that the tools are not dependencies
// of the library. It contains only tests.
package migrationtools
