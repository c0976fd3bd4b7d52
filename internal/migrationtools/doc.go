// Package migrationtools applies the migrations of package pgstore with the tools that its
// documentation names. It is a module of its own, so that they are not dependencies of the
// library. It contains only tests.
package migrationtools
