// SPDX-License-Identifier: Apache-2.0

// Says in which lines two reports differ, up to times: patchbench-steady FIRST.json SECOND.json
// Exit status: 0 in none; 1 in some.

import Foundation
import Reports

let texts = try CommandLine.arguments.dropFirst().map { try String(contentsOfFile: $0, encoding: .utf8) }
guard texts.count == 2 else { fatalError("two reports, please") }
let differences = try SteadyReport.differences(texts[0], texts[1])
for line in differences { print(line) }
exit(differences.isEmpty ? 0 : 1)
