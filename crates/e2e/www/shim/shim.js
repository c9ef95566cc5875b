// Behind `eme.js`, before everything else of a case: the suite asks for ClearKey, and the shim answers to that name.
Matinee.eme({ server: location.origin, frame: `${location.origin}/module.html`, movie: 1, grant: "a-1.1.1", impersonate: ["org.w3.clearkey"] });
