// Package bench measures the library beside what one would write by hand. It is a
// module of its own, so that what it compares with never becomes a dependency of the
// library. It holds tests alone; README.md says how to run them and what they found.
package bench
