//go:build !race

package invitations

const raceEnabled = false
