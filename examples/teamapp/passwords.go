package main

import (
	"context"
	"errors"
	"runtime"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// passwords hash and check passwords. Each of them keeps a processor busy, and everybody can ask
// for it, so there is a place for only as many at once as there are processors.
type passwords struct {
	places   chan struct{}
	patience time.Duration // how long somebody waits for a place
}

func newPasswords() passwords {
	return passwords{make(chan struct{}, runtime.NumCPU()), 5 * time.Second}
}

// passwordCost is how much work it takes to try a password. Tests lower it.
var passwordCost = bcrypt.DefaultCost

// wrongHash is the hash of a random password, which nobody has.
var wrongHash = func() string {
	hash, err := bcrypt.GenerateFromPassword([]byte(newSecret()), passwordCost)
	if err != nil {
		panic(err) // the random text is shorter than 72 bytes
	}
	return string(hash)
}()

// hash returns what is kept of a password.
func (p passwords) hash(ctx context.Context, password string) (hash []byte, err error) {
	err = p.work(ctx, func() (err error) {
		hash, err = bcrypt.GenerateFromPassword([]byte(password), passwordCost)
		return err
	})
	return hash, err
}

// check returns errWrongPassword unless the hash is that of the password.
func (p passwords) check(ctx context.Context, hash, password string) error {
	return p.work(ctx, func() error {
		if bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) != nil {
			return errWrongPassword
		}
		return nil
	})
}

// work waits for a place and calls do. It gives up when its patience or ctx ends.
func (p passwords) work(ctx context.Context, do func() error) error {
	select {
	case <-time.After(p.patience):
		return errTooMany
	case p.places <- struct{}{}:
		defer func() { <-p.places }()
		return do()
	case <-ctx.Done():
		return ctx.Err()
	}
}

var errWrongPassword = errors.New("the address or the password is wrong")
