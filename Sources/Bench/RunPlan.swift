public import BenchModel
import GuestMachine
public import KernelBuild
public import SeriesIntake
public import SystemPackage

/// Which accelerator the user wants.
public enum AcceleratorChoice: String, Codable, Sendable, CaseIterable {
  /// KVM where a probe boot shows that it works, else TCG.
  case auto
  case kvm
  case tcg
}

/// Everything a run is asked to do.
public struct RunPlan: Sendable {
  public var kernel: KernelDefinition
  public var profile: KernelDefinition.Profile
  public var series: [SeriesDirectory]
  public var guestBinary: FilePath
  /// The test driver's sources.
  public var driver: FilePath
  public var cache: Cache
  /// A libvirt URI; `nil` is the embedded driver.
  public var connection: String?
  public var accelerator: AcceleratorChoice
  public var resources: Resources
  /// Judge the base and all series again, though their results were kept.
  public var fresh: Bool
  /// Which tests run; all, if there are no patterns.
  public var tests: [NamePattern]
  /// How often the base and each series run all tests; more than once judges them again, though results were kept.
  public var repeats: Int
  /// How often a test is tried again, on both sides, whose result differs.
  public var retries: Int
  /// Keep the memory of guests that panic or hang, beside their consoles.
  public var keepsMemory: Bool
  /// `nil` reads and builds series without a cage.
  public var sandbox: Sandbox?
  /// Where the run's directory is to be; `nil` makes a new one under `results/`.
  public var output: FilePath?
  public var environment: [String: String]
  /// patchbench's own version, for the report.
  public var version: String
  /// patchbench's checkout, for whoever goes on with the run.
  public var home: FilePath?
  /// Where the answers of seeded series are, if the run is to be held against them.
  public var answers: FilePath?
  /// A series' trial is over as soon as it is certain that it is worse: it is asked for nothing else.
  public var stopsWhenWorse = false
  /// What series are expected to change; `nil` where nobody can say. Of use only with ``stopsWhenWorse``.
  public var expected: Expected?

  /// Functions of which it is found out first which tests run them: those are then asked first, or alone where it is known
  /// which tests run the very lines that a series changes.
  public struct Expected: Sendable, Hashable {
    public var functions: [CodeChange.Function]
    /// Find out as well which of their lines run.
    public var lines: Bool

    public init(functions: [CodeChange.Function], lines: Bool = false) {
      self.functions = functions
      self.lines = lines
    }

    var byFile: [String: Set<String>] {
      functions.reduce(into: [:]) { $0[$1.file, default: []].insert($1.name) }
    }
  }

  /// What series are held against instead of the base; `nil` is the base.
  public var baseline: Baseline?

  /// A series that others are made of, and are held against.
  public struct Baseline: Sendable {
    public var trial: Trial
    /// The digest of its image: what comes out the same is not run.
    public var image: String

    public init(trial: Trial, image: String) {
      self.trial = trial
      self.image = image
    }
  }
  /// Changed lines that need not run.
  public var accepted: [AcceptedLines] = []

  public init(
    kernel: KernelDefinition, profile: KernelDefinition.Profile, series: [SeriesDirectory], guestBinary: FilePath,
    driver: FilePath, cache: Cache, connection: String?, accelerator: AcceleratorChoice, resources: Resources,
    fresh: Bool, tests: [NamePattern] = [], repeats: Int = 1, retries: Int = 0, keepsMemory: Bool = false,
    sandbox: Sandbox?, output: FilePath?, environment: [String: String], version: String, home: FilePath? = nil,
    answers: FilePath? = nil
  ) {
    self.kernel = kernel
    self.profile = profile
    self.series = series
    self.guestBinary = guestBinary
    self.driver = driver
    self.cache = cache
    self.connection = connection
    self.accelerator = accelerator
    self.resources = resources
    self.fresh = fresh
    self.tests = tests
    self.repeats = repeats
    self.retries = retries
    self.keepsMemory = keepsMemory
    self.sandbox = sandbox
    self.output = output
    self.environment = environment
    self.version = version
    self.home = home
    self.answers = answers
  }

  /// Where every trial of this run happens.
  public var cell: CellKey { CellKey(kernel: kernel.name, profile: profile.name, guest: MachineSpec.machine) }
}
