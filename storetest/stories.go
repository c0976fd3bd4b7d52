package storetest

var stories []check
