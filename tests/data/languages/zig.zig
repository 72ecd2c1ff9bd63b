const std = @import("std");

fn put(text: []const u8) void {
    _ = std.posix.write(1, text) catch unreachable;
}

pub fn main() u8 {
    var line: [256]u8 = undefined;
    const len = std.posix.read(0, &line) catch 0;

    put("hello from zig\nargs:");
    for (std.os.argv[1..]) |word| {
        put(" ");
        put(std.mem.span(word));
    }
    put("\nin: ");
    put(line[0..len]);
    return 3;
}
