// SPDX-License-Identifier: Apache-2.0

/// One version of the series in a mailbox: `thread.mbox#v1`. `--versions all` finds all of them; reports name each in
/// this form, so that it can be judged again.
struct ThreadVersion: SeriesForm {
  let words: String? = "MAILBOX#vN"

  func find(_ argument: SeriesArgument) throws(IntakeError) -> [any SeriesSource]? {
    guard argument.kind == .nothing, let match = argument.text.wholeMatch(of: /(.+)#v([0-9]{1,4})/),
      let number = Int(match.output.2)
    else { return nil }
    let mailbox = SeriesArgument(String(match.output.1))
    // Behind an archive itself, it stands for a mail.
    guard GitRepository(mailbox.path) == nil, let found = try SeriesForms.series(mailbox) else { return nil }
    var versions: [any SeriesSource] = []
    for series in found {
      guard let version = series.version(number) else { throw .noVersions(argument.text) }
      versions.append(version)
    }
    return versions
  }
}
