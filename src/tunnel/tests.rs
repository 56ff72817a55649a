use std::io::Write;

use super::*;
use crate::ssh::test_server::TestServer;
use crate::ui::Format;

const STAND_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stand-ins/bastion-tunnel.py");

fn route() -> Route {
    let bastion = BastionId { subscription: "sub".into(), group: "group".into(), name: "bastion".into() };
    Route { vm: "/subscriptions/sub/x".into(), way: Way::Bastion(bastion) }
}

/// Runs `test` with an opener whose az is the stand-in, then checks that nothing of it is left.
fn with_opener<T>(mode: &str, to: u16, limit: Duration, test: impl FnOnce(&Opener<'_>, &Path) -> T) -> T {
    let folder = tempfile::tempdir().unwrap();
    let ui = Ui::new(Format::Text, false, false);
    let runner = Runner::new(&ui, false);
    let route = route();
    let az = Command::new(STAND_IN)
        .env("TUNNEL_MODE", mode)
        .env("TUNNEL_TO", to.to_string())
        .env("TUNNEL_NOTES", folder.path());
    let opener = Opener { az, limit, ..Opener::new(&runner, &ui, &route, folder.path()) };
    let result = test(&opener, folder.path());
    let pids = std::fs::read_to_string(folder.path().join("pids")).unwrap();
    assert!(!pids.is_empty());
    for pid in pids.split_whitespace() {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        assert!(stat.is_empty() || stat.contains(") Z "), "{mode}: still there: {stat}");
    }
    result
}

#[test]
fn a_tunnel_leads_to_sshd_and_ends_with_its_handle() {
    let server = TestServer::start();
    with_opener("relay", server.port(), DEADLINE, |opener, folder| {
        let tunnel = opener.open().unwrap();
        assert!(tunnel.is_alive());
        let args = std::fs::read_to_string(folder.join("args")).unwrap();
        let expected = format!(
            "network bastion tunnel --subscription sub --name bastion --resource-group group \
             --target-resource-id /subscriptions/sub/x --resource-port 22 --port {}\n",
            tunnel.address().port()
        );
        assert_eq!(args, expected);
    });
}

#[test]
fn what_goes_wrong_is_said_in_azs_words() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let cases = [
        ("error", Exit::Unreachable, "ended with status 1: ERROR: Bastion Host SKU must be Standard"),
        ("login", Exit::Access, "az login"),
        ("silent", Exit::Unreachable, "within 2 s: WARNING: Opening tunnel on port"),
        ("relay", Exit::Unreachable, "no SSH server answered"),
    ];
    for (mode, exit, text) in cases {
        let error = with_opener(mode, port, Duration::from_secs(2), |opener, _| opener.open().err().unwrap());
        let failure = error.downcast_ref::<Failure>().unwrap();
        assert_eq!(failure.exit, exit, "{mode}: {failure}");
        assert!(failure.to_string().contains(text), "{mode}: {failure}");
        assert!(!failure.to_string().contains("a notice"), "{mode}: {failure}");
    }
    println!("{} cases", cases.len());
}

#[test]
fn another_server_than_sshd_is_no_tunnel() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n");
        }
    });
    assert_eq!(greeting(address, Duration::from_secs(1), || false), Greeting::Nothing);
}

#[test]
fn what_may_pass_is_tried_again() {
    let server = TestServer::start();
    for mode in ["taken-once", "refused-once"] {
        with_opener(mode, server.port(), DEADLINE, |opener, folder| {
            opener.open().unwrap();
            assert_eq!(std::fs::read_to_string(folder.join("args")).unwrap().lines().count(), 2, "{mode}");
        });
    }
}

#[test]
fn work_runs_again_only_when_the_tunnel_died() {
    let server = TestServer::start();
    // In the mode `dies-once` the second connection (the first was the greeting) ends az.
    for (mode, runs) in [("dies-once", 2), ("relay", 1)] {
        let mut count = 0;
        let result: anyhow::Result<()> = with_opener(mode, server.port(), DEADLINE, |opener, _| {
            opener.with_tunnel(|tunnel| {
                count += 1;
                let _ = greeting(tunnel.address(), Duration::from_secs(5), || false);
                anyhow::bail!("failed in run {count}")
            })
        });
        assert_eq!(count, runs, "{mode}");
        assert_eq!(result.unwrap_err().to_string(), format!("failed in run {runs}"));
    }
}

#[test]
fn without_a_bastion_sshd_is_asked_itself() {
    let folder = tempfile::tempdir().unwrap();
    let ui = Ui::new(Format::Text, false, false);
    let runner = Runner::new(&ui, false);
    let route = Route { vm: "/vm".into(), way: Way::Direct([127, 0, 0, 1].into()) };
    let opener = Opener { limit: Duration::from_secs(1), ..Opener::new(&runner, &ui, &route, folder.path()) };
    let server = TestServer::start();
    let open = opener.open_direct(server.address()).unwrap();
    assert_eq!(open.address(), server.address());
    assert!(open.is_alive());

    drop(server);
    assert!(!open.is_alive());
    let error = opener.open_direct(open.address()).err().unwrap();
    let failure = error.downcast_ref::<Failure>().unwrap();
    assert_eq!(failure.exit, Exit::Unreachable);
    assert!(failure.to_string().contains("`bastion: none`"), "{failure}");
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "az ran");
}
