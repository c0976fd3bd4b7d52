// Package bench measures the library beside code that is written by hand. It is a module of
// its own, so its dependencies are not those of the library. It contains only tests; README.md
// says how to run them and lists results.
package bench
