//go:build race

package invitations

const raceEnabled = true
