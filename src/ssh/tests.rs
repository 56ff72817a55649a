use super::test_server::TestServer;
use super::*;
use crate::ui::{Format, Ui};

const VM: &str = "/subscriptions/s/resourceGroups/r(1)/providers/Microsoft.Compute/virtualMachines/server";

fn exit_of(error: &anyhow::Error) -> Exit {
    error.downcast_ref::<Failure>().unwrap_or_else(|| panic!("{error:#}")).exit
}

fn session(server: &TestServer) -> Session {
    Session::new(&server.identity(), VM, server.address()).unwrap()
}

#[test]
fn the_servers_lock_has_one_holder_and_is_free_when_it_goes() {
    let server = TestServer::start();
    let ui = Ui::new(Format::Text, false, false);
    let runner = Runner::new(&ui, false);
    let (one, other) = (session(&server), session(&server));
    let lock = one.lock(&runner, Duration::ZERO).unwrap();
    let busy = other.lock(&runner, Duration::ZERO).err().unwrap();
    assert_eq!(exit_of(&busy), Exit::Busy, "{busy:#}");
    // Others use the holder's connection: its control socket answers.
    let check = Command::new("ssh").args(["-O", "check", "-F", one.config().to_str().unwrap(), "server"]);
    assert_eq!(runner.run(&check).unwrap().status, 0);
    drop(lock);
    assert_ne!(runner.run(&check).unwrap().status, 0);
    other.lock(&runner, Duration::from_secs(5)).unwrap();
}

#[test]
fn refusals_are_told_apart() {
    let mut server = TestServer::start();
    let ui = Ui::new(Format::Text, false, false);
    let runner = Runner::new(&ui, false);
    let known_hosts = server.identity().known_hosts;
    let try_once = |server: &TestServer| session(server).lock(&runner, Duration::from_secs(60)).err();
    assert!(try_once(&server).is_none());
    let known = std::fs::read_to_string(&known_hosts).unwrap();
    assert!(known.starts_with(&VM.to_lowercase()) || known.starts_with(VM), "{known}");

    server.replace_host_key();
    let changed = try_once(&server).unwrap();
    assert_eq!(exit_of(&changed), Exit::Refused);
    assert!(changed.to_string().contains("ssh-keygen -R"), "{changed}");
    assert_eq!(std::fs::read_to_string(&known_hosts).unwrap(), known);

    std::fs::remove_file(&known_hosts).unwrap();
    server.forget_keys();
    let rejected = try_once(&server).unwrap();
    assert_eq!(exit_of(&rejected), Exit::Access, "{rejected:#}");
    assert!(rejected.to_string().contains("--ssh-key"), "{rejected}");

    let identity = server.identity();
    let address = server.address();
    drop(server);
    let gone = Session::new(&identity, VM, address).unwrap().lock(&runner, Duration::ZERO).err().unwrap();
    assert_eq!(exit_of(&gone), Exit::Unreachable, "{gone:#}");
}

#[test]
fn only_errors_of_signing_in_are_explained() {
    let cases = [
        ("WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!", Some(Exit::Refused)),
        ("Host key verification failed.", Some(Exit::Refused)),
        ("me@127.0.0.1: Permission denied (publickey).", Some(Exit::Access)),
        ("Received disconnect: Too many authentication failures", Some(Exit::Access)),
        ("ssh: connect to host 127.0.0.1 port 1: Connection refused", Some(Exit::Unreachable)),
        ("Connection timed out during banner exchange", Some(Exit::Unreachable)),
        ("kex_exchange_identification: Connection closed by remote host", Some(Exit::Unreachable)),
        ("bash: flock: command not found", None),
        ("", None),
    ];
    for (stderr, expected) in cases {
        let exit = explain(stderr, VM, Path::new("known")).map(|failure| failure.exit);
        assert_eq!(exit, expected, "{stderr}");
    }
    println!("{} cases", cases.len());
}

#[test]
fn settings_survive_any_path() {
    let identity =
        Identity { user: "me".into(), key_file: r#"/home/a b/"q"\100%d"#.into(), known_hosts: "/k".into() };
    let text = settings(&identity, VM);
    assert!(text.contains(r#"IdentityFile "/home/a b/\"q\"\\100%%d""#), "{text}");
    assert!(text.contains("StrictHostKeyChecking accept-new\n"), "{text}");
}
