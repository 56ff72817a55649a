"""Diagnostic tools and example jobs, on recorded outputs of the programs they read."""

import getpass
import os
import shutil
import subprocess
import unittest

from stand import PROJECTS, RECORDED, Node

SPEC = PROJECTS / "diagnostics/specs/default"
TOOLS = SPEC / "cluster-init/files/diagnostics"
JOBS = sorted(TOOLS.glob("*allreduce*.sh"))
H100, A100 = "Standard_ND96isr_H100_v5", "Standard_ND96amsr_A100_v4"
INFINIBAND = [f"mlx5_ib{number}" for number in range(8)]


class Library(Node):
    def ask(self, *words, recording=None):
        sources = "; ".join(f". {TOOLS}/lib/{name}.sh" for name in ("node", "outputs"))
        command = f"set -euo pipefail; {sources}; \"$@\""
        with open(RECORDED / recording if recording else os.devnull, encoding="utf-8") as file:
            done = subprocess.run(
                ["bash", "-c", command, "bash", *words], stdin=file, capture_output=True, text=True, timeout=30, check=False
            )
        return done.returncode, done.stdout.strip()

    def test_the_largest_message_counts_whatever_the_version_and_tag(self):
        expected = {
            "nccl-allreduce-azure-2node-ib-good.txt": "8589934592 187.22",
            "nccl-allreduce-azure-2node-ipoib-slow.txt": "8589934592 3.15",
            "nccl-allreduce-h100-8gpu-mpirun-tagged.txt": "17179869184 483.05",
            "nccl-allreduce-h100-2node-p5-good.txt": "17179869184 487.09",
            "nccl-allreduce-a100-8gpu-good.txt": "8589934592 235.26",
            "nccl-allreduce-a100-8gpu-rows-good.txt": "1073741824 231.72",
            "nccl-allreduce-2node-roce-slow.txt": "2147483648 22.92",
            "synthetic-rccl-allreduce-mi300x-8gpu-good.txt": "2147483648 439.16",
        }
        for recording, line in expected.items():
            self.assertEqual(self.ask("largest_busbw", recording=recording), (0, line), recording)
        self.assertEqual(self.ask("largest_busbw", recording="nccl-allreduce-mpirun-not-enough-slots.txt"), (1, ""))

    def test_infiniband_counts_in_gigabits_only(self):
        self.assertEqual(self.ask("largest_ib_bandwidth", recording="ib_write_bw-azure-8hca-healthy.txt"), (0, "196.55"))
        self.assertEqual(self.ask("largest_ib_bandwidth", recording="ib_write_bw-loopback-8M-healthy.txt")[0], 1)

    def test_copies_are_those_of_one_test(self):
        recording = "nvbandwidth-d2d-a100-8gpu-healthy.txt"
        status, lines = self.ask("copy_bandwidths", "device_to_device_memcpy_write_ce", recording=recording)
        self.assertEqual((status, len(lines.splitlines()), lines.splitlines()[0]), (0, 56, "0 1 276.07"))
        self.assertEqual(self.ask("copy_bandwidths", "host_to_device_memcpy_ce", recording=recording), (1, ""))

    def test_columns_are_found_by_name(self):
        recording = "nvidia-smi-query-gpu-all-h100-mig-590-healthy-idle.csv"
        found = self.ask("columns", "index", "remapped_rows.pending", "no.such", recording=recording)
        self.assertEqual(found, (0, "0\t[N/A]\t?"))

    def test_figures_and_masks(self):
        self.assertEqual(self.ask("figure", "busbw", H100), (0, "460"))
        self.assertEqual(self.ask("figure", "busbw", "standard_nd96isr_h100_V5"), (0, "460"))
        self.assertEqual(self.ask("figure", "busbw", "Standard_F2s_v2"), (0, "-"))
        self.assertEqual(self.ask("figure", "none", H100), (0, "-"))
        low, high = "f" * 12, "f" * 12 + "0" * 12
        self.assertEqual(self.ask("cpu_masks", H100), (0, ",".join([low] * 4 + [high] * 4)))
        masks = self.ask("cpu_masks", A100)[1].split(",")
        self.assertEqual([len(mask) for mask in masks], [12, 12, 6, 6, 24, 24, 18, 18])
        self.assertEqual({mask.strip("0") for mask in masks}, {"f" * 6})

    def test_verdicts(self):
        for value, least, status in (("10", "9.5", 0), ("9.4", "9.5", 1), ("", "1", 1), ("error", "1", 1), ("5", "-", 0)):
            self.assertEqual(self.ask("verdict", "x", value, least, "GB/s")[0], status, value)


class EveryTool(Node):
    settings = {"azure.metadata.compute.vmSize": "Standard_D8ads_v5"}

    def test_help_and_dry_run(self):
        for tool in sorted(TOOLS.glob("*.sh")):
            for argument in ("--help", "-h"):
                status, said, complaints = self.run_script(tool, argument)
                self.assertEqual((status, complaints), (0, ""), tool.name)
                self.assertIn("--dry-run", said, tool.name)
                self.assertNotIn("#", said.replace("registry#name", ""), tool.name)
            status, said, complaints = self.run_script(tool, "--dry-run")
            self.assertEqual((status, complaints), (0, ""), tool.name)
            self.assertTrue(said, tool.name)
            status, _, complaints = self.run_script(tool, "--nonsense")
            self.assertEqual(status, 1, tool.name)
            self.assertIn("--nonsense is not known", complaints)


class Tools(Node):
    settings = {"azure.metadata.compute.vmSize": A100, "slurm.role": "execute"}

    def test_drained_nodes_come_once_with_their_reasons(self):
        rows = [
            "n-hpc-10|drained|root|2026-01-02T03:04:05|Healthcheck failures: gpu|3",
            "n-hpc-2|down*|slurm|2026-01-02T03:04:05|Not responding",
            "n-hpc-2|down*|slurm|2026-01-02T03:04:05|Not responding",
        ]
        self.program("sinfo", f"echo \"$@\" >args\ncat <<'EOF'\n" + "\n".join(rows) + "\nEOF")
        status, said, _ = self.run_script(TOOLS / "drained_nodes.sh", "-p", "hpc")
        self.assertEqual(status, 0)
        self.assertEqual(
            said,
            "n-hpc-2: down*\n    Not responding\n    (slurm, 2026-01-02T03:04:05)\n"
            "n-hpc-10: drained\n    Healthcheck failures: gpu|3\n    (root, 2026-01-02T03:04:05)\n",
        )
        self.assertIn("--partition hpc", (self.folder / "args").read_text(encoding="utf-8"))
        self.program("sinfo", "")
        self.assertEqual(self.run_script(TOOLS / "drained_nodes.sh")[1], "no node is drained, down or failed\n")
        self.program("sinfo", "echo slurmctld is down >&2; exit 1")
        self.assertEqual(self.run_script(TOOLS / "drained_nodes.sh")[0], 1)

    def test_host_names(self):
        pool = self.folder / "pool"
        pairs = {"HostName": "x", "PhysicalHostName": "short", "PhysicalHostNameFullyQualified": "host-17.azure"}
        pool.write_bytes(b"".join(k.encode().ljust(512, b"\0") + v.encode().ljust(2048, b"\0") for k, v in pairs.items()))
        self.program("curl", 'case "$*" in *compute/name*) echo vm_12 ;; *compute/vmId*) echo id-1 ;; esac')
        self.program("hostname", "echo n-hpc-1")
        told = self.run_script(TOOLS / "host_names.sh", KVP_POOL=str(pool))
        self.assertEqual(told, (0, "n-hpc-1 vm_12 host-17.azure id-1\n", ""))
        self.program("curl", "exit 7")
        self.assertEqual(self.run_script(TOOLS / "host_names.sh", KVP_POOL="/nowhere")[1], "n-hpc-1 - - -\n")
        self.program("scontrol", "printf 'n-hpc-1\\nn-hpc-2\\n'")
        self.program("srun", 'echo "$@"')
        said = self.run_script(TOOLS / "host_names.sh", "--nodes", "n-hpc-[1-2]")[1]
        self.assertIn("--nodelist=n-hpc-[1-2] --nodes=2 --ntasks-per-node=1", said)

    def gpu_bandwidth(self, **environment):
        return self.run_script(TOOLS / "gpu_bandwidth.sh", NVBANDWIDTH=str(self.bin / "nvbandwidth"), **environment)

    def test_gpu_bandwidth(self):
        copy = (RECORDED / "nvbandwidth-h2d-a100-8gpu-healthy.txt").read_text(encoding="utf-8")
        peers = (RECORDED / "nvbandwidth-d2d-a100-8gpu-healthy.txt").read_text(encoding="utf-8")
        back = copy.replace("host_to_device", "device_to_host")
        healthy = copy + back + peers.replace("_write_ce", "_read_ce")
        self.program("nvbandwidth", f"cat <<'EOF'\n{healthy}EOF")
        status, said, _ = self.gpu_bandwidth()
        self.assertEqual((status, said.count("ok (at least")), (0, 3))
        self.assertIn("device_to_device_memcpy_read_ce: 56 copies, the slowest from 6 to 0", said)
        self.program("nvbandwidth", "cat <<'EOF'\n" + healthy.replace("26.19", "12.00") + "EOF")
        status, said, _ = self.gpu_bandwidth()
        self.assertEqual((status, said.count("LOW"), said.count("from 0 to 4")), (1, 2, 2))
        self.program("nvbandwidth", "echo no GPU; exit 3")
        self.assertIn("nvbandwidth failed: no GPU", self.gpu_bandwidth()[2])
        self.assertIn("AMD", self.gpu_bandwidth(DIAGNOSTICS_SIZE="Standard_ND96isr_MI300X_v5")[2])

    def ib_bandwidth(self, devices, *arguments):
        ports = self.folder / "infiniband"
        ports.mkdir(exist_ok=True)
        for device in devices:
            (ports / device).touch()
        self.program("numactl", 'shift 4; exec "$@"')
        self.program("sleep", "")
        self.program("hostname", "echo n-hpc-1")
        return self.run_script(TOOLS / "ib_bandwidth.sh", *arguments, INFINIBAND_DEVICES=str(ports))

    def test_ib_bandwidth(self):
        self.replays("ib_write_bw", "ib_write_bw-azure-8hca-healthy.txt")
        status, said, _ = self.ib_bandwidth(INFINIBAND)
        self.assertEqual((status, said.count("196.55 Gb/s  ok (at least 180)")), (0, 28))
        self.program("ib_write_bw", "echo Failed to modify QP to RTR; exit 1")
        status, said, _ = self.ib_bandwidth(INFINIBAND)
        self.assertEqual((status, said.count("LOW")), (1, 28))
        self.assertIn("Failed to modify QP", said)

    def test_a_missing_port_is_named(self):
        self.assertIn("port mlx5_ib5 is missing", self.ib_bandwidth(INFINIBAND[:5])[2])

    def test_memory_errors(self):
        header = "index, serial, ecc.errors.corrected.volatile.total, ecc.errors.uncorrected.volatile.total, " \
            "ecc.errors.corrected.aggregate.total, ecc.errors.uncorrected.aggregate.total, remapped_rows.pending, " \
            "remapped_rows.failure"
        for row, status, state in (
            ("0, 1, 0, 0, 0, 0, No, No", 0, "ok"),
            ("0, 1, 7, 0, 9, 2, [N/A], [N/A]", 0, "ok"),
            ("0, 1, 0, 1, 0, 1, No, No", 1, "UNCORRECTABLE ERRORS"),
            ("0, 1, 0, 0, 0, 0, Yes, No", 1, "WAITS FOR A RESET"),
            ("0, 1, 0, 0, 0, 0, No, Yes", 1, "ROW NOT REPLACED"),
            ("0, [Unknown Error], 0, [Unknown Error], 0, 0, No, No", 1, "UNCORRECTABLE ERRORS"),
        ):
            self.program("nvidia-smi", f"printf '%s\\n' '{header}' '{row}'")
            found = self.run_script(TOOLS / "gpu_ecc.sh")
            self.assertEqual((found[0], found[1].rpartition(": ")[2]), (status, state + "\n"), row)
        self.replays("nvidia-smi", "nvidia-smi-query-gpu-all-h100-590-healthy-idle.csv")
        self.assertEqual(self.run_script(TOOLS / "gpu_ecc.sh")[0], 0)
        self.program("nvidia-smi", "echo Unable to determine the device handle; exit 9")
        self.assertEqual(self.run_script(TOOLS / "gpu_ecc.sh")[0], 1)


class Jobs(Node):
    settings = {"azure.metadata.compute.vmSize": H100}

    def job(self, name, recording, nodes="1", **environment):
        """Runs a job as Slurm does: a copy of the script, somewhere else."""
        spool = self.folder / "spool"
        spool.mkdir(exist_ok=True)
        shutil.copy(TOOLS / name, spool / "slurm_script")
        self.program("scontrol", f"echo '   Command={TOOLS / name}'")
        self.program("srun", f'echo "$@" >args; env >environment; cat {RECORDED / recording}')
        known = {"SLURM_JOB_ID": "7", "SLURM_JOB_NUM_NODES": nodes, "SLURM_JOB_NODELIST": "n-hpc-1"}
        return self.run_script(spool / "slurm_script", **known, **environment)

    def test_a_container_job_judges_its_result(self):
        status, said, complaints = self.job("nccl_allreduce_container.sh", "nccl-allreduce-h100-8gpu-mpirun-tagged.txt")
        self.assertEqual((status, complaints), (0, ""))
        self.assertIn("message of 17179869184 bytes:\nbus              483.05 GB/s  ok (at least 460)\n", said)
        arguments = (self.folder / "args").read_text(encoding="utf-8")
        self.assertIn("--container-image=nvcr.io#nvidia/pytorch:", arguments)
        self.assertIn("-e 17179869184", arguments)
        self.assertIn("NCCL_TOPO_FILE=/opt/microsoft/ndv5-topo.xml", (self.folder / "environment").read_text(encoding="utf-8"))

    def test_a_job_of_the_host_loads_its_library_first(self):
        modules = self.folder / "modules.sh"
        modules.write_text('module() { export LOADED="$*"; }\n', encoding="utf-8")
        good = "nccl-allreduce-h100-8gpu-mpirun-tagged.txt"
        status, said, complaints = self.job("nccl_allreduce_h100.sh", good, MODULES=str(modules))
        self.assertEqual((status, complaints), (0, ""))
        self.assertIn("ok (at least 460)", said)
        environment = (self.folder / "environment").read_text(encoding="utf-8")
        self.assertIn("LOADED=load mpi/hpcx", environment)
        self.assertIn("NCCL_MIN_NCHANNELS=32", environment)
        status, _, complaints = self.job("nccl_allreduce_h100.sh", good, MODULES="/nowhere")
        self.assertEqual((status, "image" in complaints), (1, True))

    def test_two_slow_nodes_fail_the_job(self):
        slow = "nccl-allreduce-azure-2node-ipoib-slow.txt"
        status, said, _ = self.job("nccl_allreduce_container.sh", slow, nodes="2")
        self.assertEqual(status, 1)
        self.assertIn("3.15 GB/s  LOW (at least 400)", said)
        status, said, _ = self.job("nccl_allreduce_container.sh", slow, nodes="5")
        self.assertEqual(status, 0)
        self.assertIn("no figure is known", said)

    def test_no_result_is_no_success(self):
        status, _, complaints = self.job("nccl_allreduce_container.sh", "nccl-allreduce-mpirun-not-enough-slots.txt")
        self.assertEqual(status, 1)
        self.assertIn("there is no result to judge", complaints)

    def test_a_job_for_other_nodes_says_so(self):
        for name in ("nccl_allreduce_a100.sh", "rccl_allreduce_mi300x.sh"):
            status, _, complaints = self.job(name, "nccl-allreduce-a100-8gpu-good.txt")
            self.assertEqual(status, 1)
            self.assertIn(f"this node is a {H100}", complaints)

    def test_a_job_that_is_not_submitted_says_how(self):
        for job in JOBS:
            self.assertIn(f"sbatch -N 2 {job}", self.run_script(job)[2])

    def test_each_job_asks_for_whole_nodes(self):
        self.assertEqual(len(JOBS), 4)
        for job in JOBS:
            text = job.read_text(encoding="utf-8")
            for line in ("--exclusive", "--gpus-per-node=8", "--mem=0", "--partition=hpc"):
                self.assertIn(f"#SBATCH {line}\n", text, job.name)


class Installed(Node):
    settings = {"ccslurm4ai.admin": getpass.getuser()}

    def install(self, **environment):
        self.home = self.folder / "home"
        self.home.mkdir(exist_ok=True)
        entry = f"{getpass.getuser()}:x:0:0::{self.home}:/bin/bash"
        self.program("getent", f"echo '{entry}'")
        script = SPEC / "cluster-init/scripts/10-diagnostics.sh"
        return self.run_script(script, CYCLECLOUD_SPEC_PATH=str(SPEC / "cluster-init"), PATIENCE="1", **environment)

    def test_it_comes_once_and_is_never_replaced(self):
        self.assertEqual(self.install(), (0, "", ""))
        tools = self.home / "diagnostics"
        self.assertEqual(os.stat(tools / "drained_nodes.sh").st_mode & 0o777, 0o755)
        self.assertEqual(os.stat(tools / "lib/figures.tsv").st_mode & 0o777, 0o644)
        self.assertTrue((tools / "README.md").exists())
        (tools / "drained_nodes.sh").write_text("mine", encoding="utf-8")
        self.assertEqual(self.install()[0], 0)
        self.assertEqual((tools / "drained_nodes.sh").read_text(encoding="utf-8"), "mine")
        self.assertEqual(os.listdir(self.home), ["diagnostics"])

    def test_two_nodes_at_once(self):
        # The other one is done between this one's look and its own move.
        self.program("cp", f'mkdir -p {self.folder}/home/diagnostics; touch {self.folder}/home/diagnostics/x; exec /bin/cp "$@"')
        self.assertEqual(self.install()[0], 0)
        self.assertEqual(os.listdir(self.home / "diagnostics"), ["x"])
        self.assertEqual(os.listdir(self.home), ["diagnostics"])

    def test_a_node_without_the_administrator_still_comes_up(self):
        shutil.rmtree(self.folder / "home", ignore_errors=True)
        self.program("getent", "exit 2")
        script = SPEC / "cluster-init/scripts/10-diagnostics.sh"
        status, _, complaints = self.run_script(script, CYCLECLOUD_SPEC_PATH=str(SPEC / "cluster-init"), PATIENCE="1")
        self.assertEqual(status, 0)
        self.assertIn("has no home folder on this node", complaints)


if __name__ == "__main__":
    unittest.main()
