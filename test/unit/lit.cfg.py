# The GoogleTest binaries as a lit suite: each case is one test of the run.
#
# SPDX-License-Identifier: Apache-2.0
import os

import lit.formats

config.name = "bitnetc-unit"
config.test_format = lit.formats.GoogleTest(".", "_tests")
config.suffixes = []
config.test_source_root = config.unit_obj_root
config.test_exec_root = config.unit_obj_root
# Tests find their inputs in the source tree by this variable.
config.environment["BITNETC_SOURCE_ROOT"] = config.bitnetc_src_root
if "BITNETC_REFERENCE" in os.environ:
    config.environment["BITNETC_REFERENCE"] = os.environ["BITNETC_REFERENCE"]
