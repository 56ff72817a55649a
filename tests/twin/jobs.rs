//! What a cluster is for: its administrator starts GPU nodes by hand, and jobs of two users run on them.

use std::time::{Duration, Instant};

use super::rehearsal::{Twin, Workspace, finish, ok, text};
use super::scripts;

pub const LOGIN: &str = "slurmcluster-login1";
const SERVER: &str = "cycleserver";
const GUEST: &str = "guest";
/// Longer than nodes take to boot on a slow machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// Starts both GPU nodes, runs jobs as the administrator, through the written script, and as a second user; ends them.
pub fn run(workspace: &Workspace, twin: &Twin) {
    let admin =
        |script: &str| ok(twin.command("./bastion_ssh_login.sh").arg(script).current_dir(workspace.path()));
    let second = |script: &str| ok(&mut twin.on_host(LOGIN, &format!("su - {GUEST} <<'EOF'\n{script}\nEOF")));
    let users: [&dyn Fn(&str) -> String; 2] = [&admin, &second];
    second_user(twin);
    let scheduler = "ssh -no StrictHostKeyChecking=accept-new slurmcluster-scheduler sudo -n";

    let off = "sinfo -ho '%P %D'; scontrol show nodes --future -o | grep -c State=FUTURE";
    until(twin, LOGIN, off, "hpc* 0\nhtc 0\n12\n"); // install does not wait for Slurm
    admin(&format!("{scheduler} azslurm resume --node-list slurmcluster-hpc-[1-2]"));
    until(twin, LOGIN, "sinfo -h -p hpc -o '%t %D'", "idle 2\n");
    for user in users {
        let both = user("srun -QN2 --gres=gpu:8 hostname </dev/null | sort");
        assert_eq!(both, "slurmcluster-hpc-1\nslurmcluster-hpc-2\n");
        let batch = user("cd; sbatch -QWN1 --gres=gpu:2 -o out --wrap 'echo $CUDA_VISIBLE_DEVICES'; cat out");
        assert_eq!(batch, "0,1\n");
        assert!(user("scontrol show nodes --future -o").contains("NodeName=slurmcluster-htc-10 "));
    }
    for user in ["cycleadmin", GUEST] {
        let query = format!("sacct -nXPu {user} -S now-1hour -o state,nnodes | sort");
        until(twin, LOGIN, &query, "COMPLETED|1\nCOMPLETED|2\n");
    }
    let denied = finish(&mut twin.on_host(LOGIN, &format!("su - {GUEST} -c '{scheduler} azslurm nodes'")));
    assert!(
        !denied.status.success() && text(&denied.stderr).contains("a password is required"),
        "{denied:?}"
    );
    scripts::run(twin);
    admin(&format!("{scheduler} azslurm suspend --node-list slurmcluster-hpc-[1-2]"));
    until(twin, LOGIN, "scontrol show nodes --future -o | grep -c State=FUTURE", "12\n");
    until(twin, SERVER, "cyclecloud show_nodes -c slurmcluster | grep -c ^Name", "4\n");
    scripts::logs_are_saved(twin, &["slurmcluster-hpc-1", "slurmcluster-hpc-2"]);
}

/// A user that CycleCloud makes on all nodes, without rights on them.
fn second_user(twin: &Twin) {
    let record = format!(
        r#"{{"AdType": "AuthenticatedUser", "Name": "{GUEST}", "Roles": ["Global Node User"], "UID": 20002}}"#
    );
    let file = format!("/opt/cycle_server/config/data/{GUEST}.json");
    ok(&mut twin.on_host(SERVER, &format!("echo '{record}' > /tmp/new; mv /tmp/new {file}")));
    until(twin, LOGIN, &format!("id -u {GUEST}; ls /shared/home/{GUEST}/.ssh/authorized_keys"), "20002\n");
}

/// Waits until a script on a host prints the text.
pub fn until(twin: &Twin, host: &str, script: &str, wanted: &str) {
    let end = Instant::now() + PATIENCE;
    loop {
        let output = finish(&mut twin.on_host(host, script));
        if output.status.success() && text(&output.stdout).contains(wanted) {
            return;
        }
        assert!(Instant::now() < end, "{host}: {script} never says {wanted}: {output:?}");
        std::thread::sleep(Duration::from_millis(200));
    }
}
