// SPDX-License-Identifier: Apache-2.0

public import GuestProtocol

// The guest is compiled as Embedded Swift, which has no Codable. So the types that it shares with the host are made
// codable here.

extension TestStatus: Codable {}

extension Check: Codable {
  private enum CodingKeys: String, CodingKey {
    case name, passed, detail
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      name: try values.decode(String.self, forKey: .name), passed: try values.decode(Bool.self, forKey: .passed),
      detail: try values.decode(String.self, forKey: .detail))
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(name, forKey: .name)
    try values.encode(passed, forKey: .passed)
    try values.encode(detail, forKey: .detail)
  }
}

extension TestResult: Codable {
  private enum CodingKeys: String, CodingKey {
    case name, status, reason, checks
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      name: try values.decode(String.self, forKey: .name), status: try values.decode(TestStatus.self, forKey: .status),
      reason: try values.decode(String.self, forKey: .reason),
      checks: try values.decode([Check].self, forKey: .checks))
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(name, forKey: .name)
    try values.encode(status, forKey: .status)
    try values.encode(reason, forKey: .reason)
    try values.encode(checks, forKey: .checks)
  }
}
