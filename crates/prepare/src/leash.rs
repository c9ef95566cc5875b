//! A program that ends when we do, however we end.

use std::process::{Child, ChildStdin, Command, Stdio};

/// What `/bin/sh` does: it starts the program, and beside it somebody who waits for the end of our pipe
/// (which the system closes when we are gone, by `kill -9`, too) and then kills it. The status is the
/// program's.
const SCRIPT: &str = r#"exec 3<&0
"$@" </dev/null 3<&- &
program=$!
{ read -r _ <&3; kill -KILL "$program"; } >/dev/null 2>&1 &
watch=$!
exec 3<&-
wait "$program"
status=$?
kill -KILL "$watch" 2>/dev/null
exit "$status""#;

/// The status with which a shell says that there is no such program.
pub(crate) const NOT_FOUND: i32 = 127;

/// A call of a program that reads nothing and is not to outlive us. Where there is no `/bin/sh` it may.
pub(crate) fn command(program: &str) -> Command {
    let mut command = match cfg!(unix) {
        true => {
            let mut shell = Command::new("/bin/sh");
            shell.args(["-c", SCRIPT, "matinee", program]);
            shell
        }
        false => Command::new(program),
    };
    command.stdin(Stdio::piped());
    command
}

/// Our end of the pipe. The program is killed when it is dropped: to be kept until the program has ended, for
/// waiting for a child closes its standard input.
#[derive(Debug)]
pub(crate) struct Leash(#[expect(dead_code, reason = "dropping it is what counts")] Option<ChildStdin>);

impl Leash {
    /// Takes it from a child that was made by [`command`].
    pub(crate) fn of(child: &mut Child) -> Self {
        Self(child.stdin.take())
    }
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::io::Read as _;

    #[test]
    fn the_status_is_the_programs() {
        for (words, status) in [("exit 0", 0), ("exit 3", 3)] {
            let mut child = command("sh").args(["-c", words]).spawn().unwrap();
            let held = Leash::of(&mut child);
            assert_eq!(child.wait().unwrap().code(), Some(status));
            drop(held);
        }
        let mut child = command("no-such-program").stderr(Stdio::null()).spawn().unwrap();
        let _held = Leash::of(&mut child);
        assert_eq!(child.wait().unwrap().code(), Some(NOT_FOUND));
    }

    /// Its output ends because it was killed: it would go on for an hour.
    #[test]
    fn what_is_let_go_ends() {
        let mut child =
            command("sh").args(["-c", "echo begun; exec sleep 3600"]).stdout(Stdio::piped()).spawn().unwrap();
        let held = Leash::of(&mut child);
        let mut stdout = child.stdout.take().unwrap();
        let mut first = [0; 5];
        stdout.read_exact(&mut first).unwrap();
        drop(held);
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).unwrap();
        assert_eq!((&first, rest.as_str()), (b"begun", "\n"));
        assert!(!child.wait().unwrap().success());
    }
}
