import GuestProtocol
import Testing

@testable import GuestSuite

@Suite("What the function profiler says")
struct CodeCounterTests {
  @Test("counts stand below two lines of heading, with times behind them where the graph tracer made them")
  func counts() {
    let plain = """
        Function                               Hit
        --------                               ---
        dma_buf_mmap                          1234
        drm_gem_mmap_obj.isra.0                  1

      """
    let graph = """
        Function                               Hit    Time            Avg             s^2
        --------                               ---    ----            ---             ---
        dma_buf_mmap                            12    35.100 us       2.925 us        0.012 us

      """
    #expect(CodeCounter.counts(in: Array(plain.utf8)).map(\.0) == ["dma_buf_mmap", "drm_gem_mmap_obj.isra.0"])
    #expect(CodeCounter.counts(in: Array(plain.utf8)).map(\.1) == [1234, 1])
    #expect(CodeCounter.counts(in: Array(graph.utf8)).map(\.0) == ["dma_buf_mmap"])
    #expect(CodeCounter.counts(in: Array(graph.utf8)).map(\.1) == [12])
    #expect(CodeCounter.counts(in: []).isEmpty)
  }
}
