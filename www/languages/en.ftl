### What viewers read, in English: the reference for all other languages (docs/player.md, section Languages).
### A variable is a number where it decides on a plural, or stands in NUMBER(); else it is text.

## The language

direction = ltr
language = Language
language-automatic = As the browser asks
language-apply = Apply

## Before the app is there, and pages without it

early-no-modules = This browser cannot play protected films
    .text = It lacks WebAssembly. A current version of Chrome, Edge, Firefox or Safari can.
early-not-loaded = The page could not be loaded
    .text = Check your connection.
early-try-again = Try again
early-to-library = To the library
early-not-found = Page not found
    .text = There is no page at this address. It may have been mistyped, or the page has moved.
early-wrong-door = Wrong door
early-not-here = Not available where you are
    .text = This film is not offered in the country that your connection comes from. If that is a VPN's or a proxy's, switch it off and try again.
early-closed-here = Closed here
early-code = Code
early-needs-scripts = This site needs JavaScript and WebAssembly to play films.
early-description = Films, protected and at home.
early-support = Contact support

## Around all pages

skip-to-content = Skip to content
main-ways = Main
library = Library
devices = Devices
add-a-tv = Add a TV
account = Account
sign-in = Sign in
sign-out = Sign out
try-again = Try again
to-library = To the library
back-to-library = Back to the library
close = Close
page-not-found = Page not found
    .tab = Not found
    .text = There is no page at this address.

## Times

ago-now = just now
runtime-seconds = { NUMBER($seconds) } s
runtime-minutes = { NUMBER($minutes) } min
runtime-hours = { NUMBER($hours) } h
runtime-hours-minutes = { NUMBER($hours) } h { NUMBER($minutes) } min

## Signing in

tagline = Tonight, and whenever you like.
email = Email
password = Password
password-show = Show password
login-failed = Email or password is wrong.
login-wait = Too many attempts. Try again in { $time }.
login-wait-minutes = Too many attempts. Try again in a few minutes.
login-no-cookies = The password is right, but this browser keeps no cookies of this site, so nobody is signed in. Allow its cookies, or open the site in a window of its own.
share-title = A film for you
share-wrong = The password is wrong.
share-watch = Watch

## The library

library-empty = The library is empty
    .text = No films have been added yet. Come back soon.
library-loading = Loading the library
search-films = Search films
    .hint = Title, cast, genre or year
sort-by = Sort by
sort-title = Title
sort-newest = Newest first
sort-year = Year
sort-liked = Best rated
found = Found
found-none = No film matches “{ $query }”
    .hint = Try fewer letters, or a name of somebody who plays in it.
found-films = { $count ->
    [one] 1 film found
   *[other] { $count } films found
    }
all-films = All films
show-more = Show more films
now-showing = Now showing
lane-events = Events
lane-begun = Keep watching
lane-list = My list
    .on-boxes = { $boxes ->
    [one] Your TV box shows it, too.
   *[other] Your TV boxes show it, too.
    }
lane-new = New
remove-a-device = Remove a device

## A film

play = Play
    .label = Play { $title }
resume = Resume
    .label = Resume { $title }
watch-live = Watch live
    .label = Watch live { $title }
open-event = Open
    .label = Open { $title }
about = About
    .label = About { $title }
from-start = From the start
    .label = Play { $title } from the start
next-episode = Next episode
    .label = Next episode: { $title }
list-add = Add { $title } to my list
list-remove = Remove { $title } from my list
list-failed = Your list could not be changed. Try again.
vote-like = I like { $title }
vote-dislike = { $title } is not for me
vote-share = { $percent } % of those who rated it like it
vote-failed = Your rating could not be saved. Try again.
with-cast = With { $cast }
series-facts = { $count ->
    [one] Series · 1 episode
   *[other] Series · { $count } episodes
    }
season = Season { $number }
    .specials = Specials
episode-number = S{ $season } E{ $episode }
stopped-at = Stopped at { $position }
not-available = Not available to you
event-live = LIVE
event-will-go-on = Interrupted: it will continue
event-begins = Begins { $date }
event-not-begun = Has not begun yet
event-over = Has ended
film = Film
film-not-found = Film not found
film-none = No such film
    .text = It may have left the library, or the address was mistyped.
film-loading = Loading the film
film-incomplete = Languages and chapters could not be loaded.
cast = Cast
genres = Genres
languages = Languages
subtitles = Subtitles
chapters = Chapters
more-like-this = More like this

## Devices

machine = { $browser } on { $system }
    .browser = Browser
    .system = an unknown system
devices-about = Every browser profile and TV box that plays films takes one place.
devices-loading = Loading devices
devices-none = No device is registered. This browser takes a place when it next plays a film.
devices-taken = of { NUMBER($limit) } places taken
device-in-place = (place { $slot })
device-this = This browser
device-box = TV box in place { $slot } · Added { $ago }
device-browser = Browser in place { $slot } · Added { $ago }
device-used = Last used { $ago }
device-watched = Last watched
device-watched-at = , { $ago }
device-nothing-watched = Nothing watched lately
device-country = Country: { $country }
device-country-added = Country when added: { $country }
device-remove = Remove
    .label = Remove { $name } in place { $slot }
    .question = Remove { $name }?
    .yes = Remove it
    .no = Keep it
device-removing = Its place is free at once. A film that is playing there may continue for up to 12 hours.
    .this = This is the browser that you are using. It takes a free place again when it next plays a film.
    .box = After that it shows a code, and can be added again.
    .browser = After that it needs a free place to play.
device-removed = { $name } was removed. Its place is free.
device-rename = Rename
    .label = Rename { $name } in place { $slot }
    .title = Rename the device
    .name = Name
    .hint = Leave it empty for the name that it gives itself.
    .save = Save
    .cancel = Cancel
device-renamed = The device is called { $name } now.
device-own-name = The device has its own name again.

## Adding a TV box

add-tv-box = Add a TV box
box-about = The TV shows a code of six letters and digits. Type it here, in capitals or not, with or without the dash.
box-linked = This code came with the link that you opened. Continue only if the TV in front of you shows the same one.
box-code = Code on the TV
box-continue = Continue
box-type-code = Type the code that the TV shows.
box-length = { $count ->
   *[other] A code has six letters and digits; this has { $count }. Compare it with the TV.
    }
box-look-alike = No code has O, I, 0 or 1 in it, because they look alike. Compare it with the TV.
box-symbol = No code has “{ $symbol }” in it. Type only the letters and digits that the TV shows.
box-no-code = That is not a code.
box-unknown = No box shows this code. Compare it with the TV, character by character.
box-expired = This code has expired after ten minutes. The box shows a new one: type that.
box-wait = Too many wrong codes. Try again in { $time }.
box-busy = The service is busy. Try again in a few seconds.
box-this-account = this account
box-fact-box = Box
box-fact-code = Code
box-fact-joins = Joins
box-fact-places = Places
    .taken = { NUMBER($devices) } of { NUMBER($limit) } taken
box-full = { $limit ->
   *[other] All { $limit } device places of this account are taken. Remove a device that you no longer use, and this box can have its place.
    }
box-yours = Is this your box?
    .text = Add it only if you see this code on a TV in front of you. It will play films on your account.
    .add = Add this box
    .other = Another code
box-added = { $name } is added
    .text = It continues by itself within a few seconds; there is nothing more to do here. What you put on your list in the library shows on the TV.
    .devices = Your devices
    .another = Add another box

## The account

signed-in-as = Signed in as { $email }.
where-signed-in = Where you are signed in
password-current = Current password
password-new = New password
password-again = New password, once more
password-change = Change password
password-boxes = Keep TV boxes signed in
    .about = Every other browser is signed out, and TV boxes, too, unless you keep them. Films that play there stop.
password-type-current = Type the password that you have now.
password-type-new = Type the new password.
password-not-alike = The new password was not typed twice alike. Type it here once more.
password-same = That is the password that you have now.
password-short = That is too short: choose one of 8 characters or more.
password-wrong = That is not the password that you have now.
password-long = That cannot be a password: it is too long.
password-changed = Your password is changed. Every other browser is signed out, and TV boxes show a code to be added again.
    .boxes-kept = Your password is changed. Every other browser is signed out. TV boxes stay signed in.
sessions-loading = Loading sessions
sessions-none = No other browser is signed in.
sessions-others = { $count ->
    [one] One other browser is signed in. Signed out, it cannot start films.
   *[other] { $count } other browsers are signed in. Signed out, they cannot start films.
    }
session-unknown = Unknown browser
session-facts = Signed in { $since } · Last used { $used }
session-network = From { $network }
session-out = Sign out
    .label = Sign out { $browser }, signed in { $since }
    .others = Sign out everywhere else
session-ended = { $browser } is signed out.
    .others = Every other browser is signed out.

## The player

pause = Pause
watch-again = Watch again
with-key = { $name } ({ $key })
skip-back = Skip back 10 seconds
skip-forward = Skip forward 10 seconds
mute = Mute
unmute = Unmute
volume = Volume
volume-at = Volume { $percent } %
percent = { $percent } %
sound-on = Sound on
sound-off = Sound off
seconds-signed = { $seconds } s
seek = Seek
seek-at = { $position } of { $duration }
seek-in-chapter = { $position } of { $duration }, { $chapter }
keys = Keys
captions = Captions
captions-failed = The captions could not be loaded
settings = Settings
picture-in-picture = Picture in picture
full-screen = Full screen
    .exit = Exit full screen
resuming-at = Resuming at { $position }
start-over = Start over
skip-intro = Skip intro
skip-recap = Skip recap
skip-credits = Skip credits
up-next = Up next
    .in = Begins in { $time }
    .said = Up next: { $title }. It begins in { $time }.
    .stop = Cancel
up-next-play = Play now
    .label = Play now: { $title }
theatre = Theatre mode
status-one-display = This film plays on one display only. Disconnect the second display to continue.
status-offline = You are offline. The film continues when the network is back.
status-event-soon = The event is about to begin…
status-interrupted = The event is interrupted. It continues here as soon as the picture is back.
status-retrying = The film isn't loading. Trying again…
status-starting = Starting…
status-loading = Loading…

## Settings

audio = Audio
quality = Quality
speed = Speed
speed-normal = Normal
captions-off = Off
caption-style = Captions: size and colours
caption-preview = This is how captions look
caption-size = Size
caption-words = Text
    .film = Colours of the film
caption-ground = Background
caption-opacity = Opacity of the background
caption-edge = Edge
caption-font = Font
caption-reset = Reset
colour-white = White
colour-yellow = Yellow
colour-green = Green
colour-cyan = Cyan
colour-blue = Blue
colour-magenta = Magenta
colour-red = Red
colour-black = Black
edge-none = None
edge-shadow = Shadow
edge-raised = Raised
edge-depressed = Depressed
edge-outline = Outline
font-sans = Without serifs
font-serif = With serifs
font-mono = Typewriter
font-casual = Casual
font-cursive = Cursive
font-small-caps = Small capitals
plays-next = Play what is up next
automatic = Automatic
    .now = Automatic ({ $height }p)
data-saver = Data saver (up to { $height }p)
limit-policy = The title's license allows nothing higher here
limit-data-saver = Less, to save data
limit-decoder = This device cannot decode more
limit-screen = More would not look sharper at this size
limit-network = The network cannot carry more right now
track-unknown = Unknown language
track-no-words = No words
track-described = { $language } (described)
track-commentary = { $language } (commentary)
track-captions = { $language } (CC)

## Keys

key-space = Space
key-home = Home
key-end = End
keys-play = Play or pause
keys-back = Back 10 seconds
keys-forward = Forward 10 seconds
keys-volume = Volume up or down
keys-mute = Mute or unmute
keys-speed = Slower or faster
keys-tenth = Jump to a tenth of the film
keys-ends = Start over, go to the end
keys-skip = Skip the intro, recap or credits
keys-next = Next episode, or what is up next
keys-list = This list
keys-characters = Letters, digits and signs are keys

## Events

live-waiting = Not begun
live-interrupted = Interrupted
live-ended = Ended
live-at = { $time }, live
live-behind = { $time }, { $behind } behind
go-live = Go live
event-ended = This event has ended.
event-replay = Watch from the beginning
event-interrupted = This event is interrupted.
    .text = It continues here by itself as soon as the picture is back.
event-waiting = This event has not begun yet.
    .text = It starts here by itself as soon as there is something to see.
event-was-to-begin = It was to begin
event-is-to-begin = It is to begin

## Statistics

statistics = Statistics
copy = Copy
copied = Copied
    .not = It could not be copied
stat-none = none
stat-position = Position
stat-picture = Picture
    .on = { $picture } on { $element }
stat-video = Video
stat-buffer = Buffer
stat-throughput = Throughput
    .none = not measured
stat-frames = Frames
    .dropped = { $frames }, { $dropped } dropped
stat-stalls = Interruptions
stat-decrypting = Decrypting
    .speed = { $ms } ms a segment, { $speed } MB/s
stat-switches = Changes of size
stat-host = Media from
stat-license = License
    .endless = without an end
    .over = over
    .ends = ends in { $time }
stat-delivery = Delivery
    .connecting = connecting
    .stream = persistent connection
    .ranges = ranges ({ $why })
    .closed = no connection
    .silent = nothing came
    .nonsense = not understood
    .refused = refused
stat-lease = Lease
    .renewed = renewed in { $time }
stat-latency = Latency
    .wanted = { $latency } s, { $target } s wanted

## Problems

intermission = Intermission
code = Code
manage-devices = Manage devices
sign-in-again = Sign in again
reload-page = Reload the page
help-with-code = Help with this code
contact-support = Contact support
copy-details = Copy details
stop-there = Stop there and play here
    .on = Stop on { $name } and play here
playing-since = , started { $ago }
details-code = Code: { $code }
details-film = Film: { $film }
details-time = Time: { $time }
details-page = Page: { $page }
details-browser = Browser: { $browser }
help-unknown = No such code
    .text = This site knows nothing more about this code.
    .more = Load the page with the film again. If it comes back, copy the details there and send them to the service.
service-refused = The service refused
lacks = It lacks { $what }. A current version of Chrome, Edge, Firefox or Safari can.
lacks-decoders = H.264 and AAC decoding
playing-on-now = Playing on { $names } now
playing-elsewhere-now = Playing on another device now
not-played = The browser could not play what it received ({ $what }).
answered-with = It answered with status { $status }.
rule-output = The title's rules allow one display only. Disconnect the second one.
rule-clock = This device's clock was set back. Correct it, or go online.
rule-module = Reload the page to get the current version.
    .title = This page is out of date
certificate-invalid = The device certificate is not valid
film-not-decrypted = The film could not be decrypted

## Error codes: what each means, what to do first, and what else there is to know

code-REQUEST_INVALID = The service refused
    .text = The request was not understood.
    .more = This page and the service may be of different versions. Load the page again; if that does not help, tell the service which code you see.
code-ORIGIN_REFUSED = The service refused
    .text = Requests from that site are not accepted.
    .more = The page that shows the film is not one of those that may. Open the film on the service's own site, or tell the owner of the page.
code-NOT_AUTHENTIC = This device could not be registered
    .text = Registering this browser again did not help. Try again, or sign out and in.
    .more = The service could not make sure that the request came from this device. If signing out and in does not help, remove the site's data in the browser's settings and sign in anew.
code-SEQUENCE_OUT_OF_ORDER = This device could not be registered
    .text = Registering this browser again did not help. Try again, or sign out and in.
    .more = This happens when a browser's profile was copied or restored from a backup: two devices then speak in one name. Sign out and in.
code-TICKET_EXPIRED = This device could not be registered
    .text = Registering this browser again did not help. Try again, or sign out and in.
    .more = The device's registration is over and could not be renewed.
code-DEVICE_UNKNOWN = This device could not be registered
    .text = Registering this browser again did not help. Try again, or sign out and in.
    .more = Somebody may have removed this device from the account. Signing in again adds it, where there is a free place.
code-CLOCK_SKEW = The clock is wrong
    .text = This device's clock differs too much from the service's. Set it, then try again.
    .more = Have the system set its date, time and time zone by itself: licenses are only good for some time, so the clock matters.
code-LOGIN_REQUIRED = Please sign in
    .text = Your session has ended.
    .more = Sessions end after some time, when the password is changed, and when somebody signs out everywhere.
code-LOGIN_FAILED = That did not work
    .text = Email or password is wrong.
    .more = Look at capital letters and at the keyboard's language. After many attempts the service makes you wait.
code-GRANT_INVALID = Not allowed to play here
    .text = This page's permission to play the title is not valid.
    .more = The page that shows the film gives a permission that is good for a short time only. Load that page again.
code-DEVICE_LIMIT_REACHED = Device Limit Reached
    .text = This account has as many devices as it may have. Remove one that you no longer use to continue on this device.
    .more = Every browser, and every profile of it, counts as a device. Removing one signs nobody out of the account; it comes back when it plays again.
code-REMOVAL_LIMIT_REACHED = Too many devices were removed
    .text = Too many devices were removed lately.
    .more = Devices can be removed only so often in a month. Watch on one of the account's devices meanwhile, or ask the service.
code-RENEW_OTHER_CUSTOMER = Another account is signed in
    .text = This browser was registered for another account. Sign out, and sign in again.
    .more = Two people who share a browser should each have a profile of it.
code-NOT_SUBSCRIBED = Not in your plan
    .text = Your plan does not include this title.
    .more = Another plan may include it. The service can say which.
code-STREAM_LIMIT = Playing elsewhere
    .text = Your plan does not allow more films at the same time.
    .more = The message lists what plays where, and can stop it. A device that was switched off counts for a few minutes more.
code-STREAM_STOPPED = Playing elsewhere now
    .text = Your plan does not allow more films at the same time, so this one stopped.
    .more = Somebody began to watch on another device of the account. If you know nobody who would, change the password.
code-NETWORK_LIMIT = Used in too many places
    .text = This device is used in too many networks.
    .more = A device that changes its network very often looks like a copied one. Switch off VPNs that do so, and try again in an hour.
code-REGION_NOT_ALLOWED = Not available where you are
    .text = It is not offered in the country that your connection comes from. If that is a VPN's or a proxy's, switch it off and try again.
    .more = Which titles may be shown is agreed on by country. The place is taken from the connection's address.
code-MOVIE_UNKNOWN = No such title
    .text = It may have left the library.
    .more = Look for it in the library: its address may have changed.
code-MOVIE_NOT_AVAILABLE = Not available at the moment
    .text = This title is not available at the moment.
    .more = It may not have been released yet, or be over. The library says what can be watched.
code-EVENT_WAITING = Not begun yet
    .text = This event has not begun yet.
    .more = The page begins by itself when it does.
code-EVENT_ENDED = The event has ended
    .text = Where there is a recording it will be in the library soon.
    .more = Nothing of it can be seen until then.
code-POLICY_REFUSED = Not allowed on this device
    .text = The title's rules do not allow it to play here.
    .more = Rules can ask for one display only, for a browser that keeps its keys well, or for other devices. Disconnect a second display, use the current version of your browser outside of a private window, or another device.
code-CHALLENGE_INVALID = The license was refused
    .text = The license server did not accept this device. Trying again usually helps.
    .more = If it does not: load the page again, and look at the device's clock.
code-CERTIFICATE_INVALID = The license was refused
    .text = The license server did not accept this device. Trying again usually helps.
    .more = This version of the player may have been withdrawn. Load the page again to get the current one.
code-CODE_EXPIRED = That code has expired
    .text = Codes of a TV are good for ten minutes.
    .more = The TV shows a new one by itself.
code-CODE_UNKNOWN = There is no such code
    .text = Look at the code on the TV again.
    .more = Codes have no O, I, 0 and 1 in them.
code-TRY_LATER = The service is busy
    .text = Try again in a minute.
    .more = Nothing is wrong at your end.
code-NETWORK = The service does not answer
    .text = Check your connection. Where you stopped is kept.
    .more = The player goes on by itself when the browser says that the network is back. If other sites work, the service may be down, or something between (a firewall, a blocker) may hold it up.
code-SERVICE = The service has a problem
    .text = It answered with an error of its own.
    .more = Try again in a few minutes.
code-BROWSER_UNSUPPORTED = This browser cannot play protected films
    .text = A current version of Chrome, Edge, Firefox or Safari can.
    .more = Private windows and strict settings can take away what the player needs: storage, workers, WebAssembly.
code-INDIVIDUALIZATION = This browser could not be set up for playback
    .text = The service that sets up browsers did not answer as expected. Try again.
    .more = Look at the device's clock, and load the page again.
code-MODULE_MISMATCH = The protection module is out of date
    .text = Reload the page to get the current version.
    .more = The service was updated while the page was open.
code-LICENSE_INVALID = The license is not valid
    .text = The player could not use the license that came.
    .more = Try again. If it happens with one title only, tell the service which.
code-LICENSE_EXPIRED = The license has ended
    .text = The time for which this title could be watched is over.
    .more = Open it again for a new license, where the title is still offered. Without a network a license cannot be renewed.
code-MEDIA = The film is damaged
    .text = A part of it could not be decrypted.
    .more = The player has fetched the part twice. If it happens at the same place again, tell the service title and time.
code-MEDIA_UNREACHABLE = The film isn't loading
    .text = No media server can be reached.
    .more = The player goes on by itself when the browser says that the network is back. If other sites work, something between (a firewall, a blocker, a VPN) may hold the film up.
code-MEDIA_REFUSED = The media server refused
    .text = The addresses of the film are not accepted.
    .more = Load the page again to get new ones. A VPN that changes its address can be the reason.
code-FILM_CHANGED = The film was replaced
    .text = The film changed on the server while it was playing.
    .more = Try again: it goes on where it stopped.
code-NOTHING_TO_PLAY = This browser can't play this film
    .text = It has no picture or sound that this browser decodes.
    .more = Another browser, or another device, may.
code-PLAYBACK = Playback stopped
    .text = The browser could not play what it received.
    .more = Close other pages with films, load the page again, and look for an update of the browser.
code-PLAYBACK_STUCK = Playback is stuck
    .text = The picture does not move although it is there.
    .more = Load the page again. If it happens often, an update of the browser or of the graphics driver helps.
code-STORAGE = Device storage failed
    .text = The browser cannot store this site's device keys. A private window or a full disk may be the reason.
    .more = Allow the site to keep data, or make room on the disk.
code-PLAYER = The player is stuck
    .text = Something happened that the player did not expect.
    .more = Load the page again. If it comes back, copy the details and send them to the service.
