// The constraints of heads in two steps and heads of integers.
// RUN: bitnet-opt --split-input-file --verify-diagnostics %s

func.func @fixed_point_c1(%x: tensor<?x70xf32>) {
  // expected-error @+1 {{expected two results of rank 2, bytes with 192 columns and f32 with 3}}
  %0, %1 = bitnet.fixed_point %x : (tensor<?x70xf32>) -> (tensor<?x140xi8>, tensor<?x3xf32>)
  return
}

// -----

func.func @fixed_point_c1_facts(%x: tensor<?x70xf32>) {
  // expected-error @+1 {{expected two results of rank 2, bytes with 192 columns and f32 with 3}}
  %0, %1 = bitnet.fixed_point %x : (tensor<?x70xf32>) -> (tensor<?x192xi8>, tensor<?x2xf32>)
  return
}

// -----

func.func @fixed_point_c1_type(%x: tensor<?x70xf32>) {
  // expected-error @+1 {{expected two results of rank 2, bytes with 192 columns and f32 with 3}}
  %0, %1 = bitnet.fixed_point %x : (tensor<?x70xf32>) -> (tensor<?x192xf32>, tensor<?x3xf32>)
  return
}

// -----

func.func @fixed_point_c1_results(%x: tensor<?x70xf32>) {
  // expected-error @+1 {{expected two results of rank 2, bytes with 192 columns and f32 with 3}}
  %0 = bitnet.fixed_point %x : (tensor<?x70xf32>) -> tensor<?x192xi8>
  return
}

// -----

func.func @screen_head_c1(%d: tensor<?x128xi8>, %f: tensor<?x3xf32>, %t: tensor<3x64xi8>, %r: tensor<3x64xf32>) {
  // expected-error @+1 {{expected a table with 896 columns, but got 64}}
  %0, %1 = bitnet.screen_head %d, %f, %t, %r : (tensor<?x128xi8>, tensor<?x3xf32>, tensor<3x64xi8>, tensor<3x64xf32>) -> (tensor<?x40xf32>, tensor<?x3xf32>)
  return
}

// -----

func.func @screen_head_c1_digits(%d: tensor<?x96xi8>, %f: tensor<?x3xf32>, %t: tensor<3x896xi8>, %r: tensor<3x64xf32>) {
  // expected-error @+1 {{expected digits with a multiple of 64 columns, but got 'tensor<?x96xi8>'}}
  %0, %1 = bitnet.screen_head %d, %f, %t, %r : (tensor<?x96xi8>, tensor<?x3xf32>, tensor<3x896xi8>, tensor<3x64xf32>) -> (tensor<?x40xf32>, tensor<?x3xf32>)
  return
}

// -----

func.func @screen_head_c1_facts(%d: tensor<?x128xi8>, %f: tensor<?x1xf32>, %t: tensor<3x896xi8>, %r: tensor<3x64xf32>) {
  // expected-error @+1 {{expected facts of states with 3 columns, but got 1}}
  %0, %1 = bitnet.screen_head %d, %f, %t, %r : (tensor<?x128xi8>, tensor<?x1xf32>, tensor<3x896xi8>, tensor<3x64xf32>) -> (tensor<?x40xf32>, tensor<?x3xf32>)
  return
}

// -----

func.func @screen_head_c2(%d: tensor<?x128xi8>, %f: tensor<?x3xf32>, %t: tensor<3x896xi8>, %r: tensor<3x32xf32>) {
  // expected-error @+1 {{expected facts of rows with 64 columns, but got 32}}
  %0, %1 = bitnet.screen_head %d, %f, %t, %r : (tensor<?x128xi8>, tensor<?x3xf32>, tensor<3x896xi8>, tensor<3x32xf32>) -> (tensor<?x40xf32>, tensor<?x3xf32>)
  return
}

// -----

func.func @screen_head_c2_tiles(%d: tensor<?x128xi8>, %f: tensor<?x3xf32>, %t: tensor<3x896xi8>, %r: tensor<2x64xf32>) {
  // expected-error @+1 {{expected facts of 3 tiles, but got 'tensor<2x64xf32>'}}
  %0, %1 = bitnet.screen_head %d, %f, %t, %r : (tensor<?x128xi8>, tensor<?x3xf32>, tensor<3x896xi8>, tensor<2x64xf32>) -> (tensor<?x40xf32>, tensor<?x3xf32>)
  return
}

// -----

func.func @screen_head_c3(%d: tensor<?x128xi8>, %f: tensor<?x3xf32>, %t: tensor<3x896xi8>, %r: tensor<3x64xf32>) {
  // expected-error @+1 {{expected a row for each column of the result, 16 to a tile, but got 49 columns and 3 tiles}}
  %0, %1 = bitnet.screen_head %d, %f, %t, %r : (tensor<?x128xi8>, tensor<?x3xf32>, tensor<3x896xi8>, tensor<3x64xf32>) -> (tensor<?x49xf32>, tensor<?x3xf32>)
  return
}

// -----

func.func @screen_head_c3_less(%d: tensor<?x128xi8>, %f: tensor<?x3xf32>, %t: tensor<3x896xi8>, %r: tensor<3x64xf32>) {
  // expected-error @+1 {{expected a row for each column of the result, 16 to a tile, but got 32 columns and 3 tiles}}
  %0, %1 = bitnet.screen_head %d, %f, %t, %r : (tensor<?x128xi8>, tensor<?x3xf32>, tensor<3x896xi8>, tensor<3x64xf32>) -> (tensor<?x32xf32>, tensor<?x3xf32>)
  return
}

// -----

func.func @screen_head_c3_peaks(%d: tensor<?x128xi8>, %f: tensor<?x3xf32>, %t: tensor<3x896xi8>, %r: tensor<3x64xf32>) {
  // expected-error @+1 {{expected peaks with 3 columns, but got 2}}
  %0, %1 = bitnet.screen_head %d, %f, %t, %r : (tensor<?x128xi8>, tensor<?x3xf32>, tensor<3x896xi8>, tensor<3x64xf32>) -> (tensor<?x40xf32>, tensor<?x2xf32>)
  return
}

// -----

func.func @screen_head_c3_results(%d: tensor<?x128xi8>, %f: tensor<?x3xf32>, %t: tensor<3x896xi8>, %r: tensor<3x64xf32>) {
  // expected-error @+1 {{expected two results or destinations, but got 1}}
  %0 = bitnet.screen_head %d, %f, %t, %r : (tensor<?x128xi8>, tensor<?x3xf32>, tensor<3x896xi8>, tensor<3x64xf32>) -> tensor<?x40xf32>
  return
}

// -----

func.func @kernel_c4_screen_head(%d: tensor<2x128xi8>, %f: tensor<3x3xf32>, %t: tensor<3x896xi8>, %r: tensor<3x64xf32>) {
  // expected-error @+1 {{expected the same number of tokens everywhere, but got 2 and 3}}
  %0, %1 = bitnet.screen_head %d, %f, %t, %r : (tensor<2x128xi8>, tensor<3x3xf32>, tensor<3x896xi8>, tensor<3x64xf32>) -> (tensor<?x40xf32>, tensor<?x3xf32>)
  return
}

// -----

func.func @kernel_c4_screen_head_peaks(%d: tensor<2x128xi8>, %f: tensor<?x3xf32>, %t: tensor<3x896xi8>, %r: tensor<3x64xf32>) {
  // expected-error @+1 {{expected the same number of tokens everywhere, but got 2 and 3}}
  %0, %1 = bitnet.screen_head %d, %f, %t, %r : (tensor<2x128xi8>, tensor<?x3xf32>, tensor<3x896xi8>, tensor<3x64xf32>) -> (tensor<?x40xf32>, tensor<3x3xf32>)
  return
}

// -----

func.func @integer_head_c1(%d: tensor<?x128xi8>, %f: tensor<?x3xf32>, %t: tensor<3x576xi8>, %r: tensor<3x16xf32>) {
  // expected-error @+1 {{expected 8 or 4 bits, but got 5}}
  %0 = bitnet.integer_head %d, %f, %t, %r bits 5 : (tensor<?x128xi8>, tensor<?x3xf32>, tensor<3x576xi8>, tensor<3x16xf32>) -> tensor<?x40xf32>
  return
}

// -----

func.func @integer_head_c1_table(%d: tensor<?x128xi8>, %f: tensor<?x3xf32>, %t: tensor<3x1024xi8>, %r: tensor<3x16xf32>) {
  // expected-error @+1 {{expected a table with 576 columns, but got 1024}}
  %0 = bitnet.integer_head %d, %f, %t, %r bits 4 : (tensor<?x128xi8>, tensor<?x3xf32>, tensor<3x1024xi8>, tensor<3x16xf32>) -> tensor<?x40xf32>
  return
}

// -----

func.func @integer_head_c1_table8(%d: tensor<?x128xi8>, %f: tensor<?x3xf32>, %t: tensor<3x576xi8>, %r: tensor<3x64xf32>) {
  // expected-error @+1 {{expected a table with 1024 columns, but got 576}}
  %0 = bitnet.integer_head %d, %f, %t, %r bits 8 : (tensor<?x128xi8>, tensor<?x3xf32>, tensor<3x576xi8>, tensor<3x64xf32>) -> tensor<?x40xf32>
  return
}

// -----

func.func @integer_head_c2(%d: tensor<?x128xi8>, %f: tensor<?x3xf32>, %t: tensor<3x576xi8>, %r: tensor<3x64xf32>) {
  // expected-error @+1 {{expected facts of rows with 16 columns, but got 64}}
  %0 = bitnet.integer_head %d, %f, %t, %r bits 4 : (tensor<?x128xi8>, tensor<?x3xf32>, tensor<3x576xi8>, tensor<3x64xf32>) -> tensor<?x40xf32>
  return
}

// -----

func.func @integer_head_c3(%d: tensor<?x128xi8>, %f: tensor<?x3xf32>, %t: tensor<3x576xi8>, %r: tensor<3x16xf32>) {
  // expected-error @+1 {{expected a row for each column of the result, 16 to a tile, but got 49 columns and 3 tiles}}
  %0 = bitnet.integer_head %d, %f, %t, %r bits 4 : (tensor<?x128xi8>, tensor<?x3xf32>, tensor<3x576xi8>, tensor<3x16xf32>) -> tensor<?x49xf32>
  return
}

// -----

func.func @integer_head_c3_rank(%d: tensor<?x128xi8>, %f: tensor<?x3xf32>, %t: tensor<3x576xi8>, %r: tensor<3x16xf32>) {
  // expected-error @+1 {{expected an f32 result of rank 2, but got 'tensor<?x40xf16>'}}
  %0 = bitnet.integer_head %d, %f, %t, %r bits 4 : (tensor<?x128xi8>, tensor<?x3xf32>, tensor<3x576xi8>, tensor<3x16xf32>) -> tensor<?x40xf16>
  return
}

// -----

func.func @kth_largest_c1(%x: tensor<?x64xf32>, %n: index) {
  // expected-error @+1 {{expected a result with 1 columns, but got 64}}
  %0 = bitnet.kth_largest %x, %n : (tensor<?x64xf32>, index) -> tensor<?x64xf32>
  return
}

// -----

func.func @rescore_head_c1(%x: tensor<?x32xf32>, %t: tensor<40x64xf32>, %u: tensor<?x40xf32>, %b: tensor<?x1xf32>) {
  // expected-error @+1 {{expected hidden states with 64 columns, but got 32}}
  %0 = bitnet.rescore_head %x, %t, %u, %b : (tensor<?x32xf32>, tensor<40x64xf32>, tensor<?x40xf32>, tensor<?x1xf32>) -> tensor<?x40xf32>
  return
}

// -----

func.func @rescore_head_c1_threshold(%x: tensor<?x64xf32>, %t: tensor<40x64xf32>, %u: tensor<?x40xf32>, %b: tensor<?x2xf32>) {
  // expected-error @+1 {{expected a threshold with 1 columns, but got 2}}
  %0 = bitnet.rescore_head %x, %t, %u, %b : (tensor<?x64xf32>, tensor<40x64xf32>, tensor<?x40xf32>, tensor<?x2xf32>) -> tensor<?x40xf32>
  return
}

// -----

func.func @rescore_head_c2(%x: tensor<?x64xf32>, %t: tensor<40x64xf32>, %u: tensor<?x41xf32>, %b: tensor<?x1xf32>) {
  // expected-error @+1 {{expected upper bounds with 40 columns, but got 41}}
  %0 = bitnet.rescore_head %x, %t, %u, %b : (tensor<?x64xf32>, tensor<40x64xf32>, tensor<?x41xf32>, tensor<?x1xf32>) -> tensor<?x40xf32>
  return
}

// -----

func.func @rescore_head_c2_result(%x: tensor<?x64xf32>, %t: tensor<40x64xf32>, %u: tensor<?x40xf32>, %b: tensor<?x1xf32>) {
  // expected-error @+1 {{expected a result with 40 columns, but got 41}}
  %0 = bitnet.rescore_head %x, %t, %u, %b : (tensor<?x64xf32>, tensor<40x64xf32>, tensor<?x40xf32>, tensor<?x1xf32>) -> tensor<?x41xf32>
  return
}

// -----

func.func @kernel_c4_rescore_head(%x: tensor<2x64xf32>, %t: tensor<40x64xf32>, %u: tensor<3x40xf32>, %b: tensor<?x1xf32>) {
  // expected-error @+1 {{expected the same number of tokens everywhere, but got 2 and 3}}
  %0 = bitnet.rescore_head %x, %t, %u, %b : (tensor<2x64xf32>, tensor<40x64xf32>, tensor<3x40xf32>, tensor<?x1xf32>) -> tensor<?x40xf32>
  return
}
