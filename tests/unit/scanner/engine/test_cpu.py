from scanner.engine import cpu

INTEL = """\
processor\t: 0
model name\t: Some CPU @ 2.50GHz
cpu MHz\t\t: 2500.000
flags\t\t: sse2 avx2 fpu

processor\t: 1
model name\t: Another CPU
flags\t\t: sse2
"""

ARM = "processor\t: 0\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n"


def test_what_linux_tells_of_a_cpu() -> None:
    assert cpu.parse("x86_64", INTEL) == cpu.Cpu("x86_64 Some CPU @ 2.50GHz", ("avx2", "fpu", "sse2"))
    assert cpu.parse("aarch64", ARM) == cpu.Cpu("aarch64 0x41 0xd0c", ("asimd", "fp"))


def test_what_varies_from_moment_to_moment_is_left_out() -> None:
    assert cpu.parse("x86_64", INTEL.replace("2500.000", "1200.123")) == cpu.parse("x86_64", INTEL)


def test_a_system_that_tells_nothing() -> None:
    assert cpu.parse("arm64", "") == cpu.Cpu("arm64", ())
    assert cpu.this().name
