// What a target cannot do is an error that names it.
// RUN: bitnet-opt --convert-micro-ops-to-x86 --split-input-file --verify-diagnostics %s

func.func @signed(%acc: vector<8xi32>, %w: vector<32xi8>, %x: vector<32xi8>) -> vector<8xi32> {
  // expected-error @+1 {{expected a target with a signed dot product, but got CPU 'x86-64-v3'}}
  %r = ternary.dot4 %acc, %w, %x max 128 signed : vector<8xi32>, vector<32xi8>
  return %r : vector<8xi32>
}

// -----

func.func @uneven(%t: vector<16xi8>, %i: vector<48xi8>) -> vector<48xi8> {
  // expected-error @+1 {{expected a vector of 16, 32, 64, ... bytes, but got 'vector<48xi8>'}}
  %r = ternary.byte_lookup %t, %i : vector<16xi8>, vector<48xi8>
  return %r : vector<48xi8>
}

// -----

func.func @words(%t: vector<32xi16>, %i: vector<32xi16>) -> vector<32xi16> {
  // expected-error @+1 {{expected a target with lookups of words, but got CPU 'x86-64-v3'}}
  %r = ternary.word_lookup %t, %i : vector<32xi16>, vector<32xi16>
  return %r : vector<32xi16>
}

// -----

// expected-error @+1 {{has a wrong 'bitnet.target': unknown CPU 'foo' for x86_64}}
module attributes {bitnet.target = {triple = "x86_64-unknown-linux-gnu", cpu = "foo", features = ""}} {
}

// -----

// expected-error @+1 {{expected 'bitnet.target' to be a dictionary of the strings triple, cpu and features}}
module attributes {bitnet.target = {triple = "x86_64-unknown-linux-gnu"}} {
}
