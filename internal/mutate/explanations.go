package main

// explanations says for each survivor why no test notices that the condition is gone, by
// function, kind and condition.
var explanations = map[string]string{}
