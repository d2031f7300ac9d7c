// Shaders of the viewer: vertex and fragment program of spheres and of lines.
"use strict";
const SPHERES = [`#version 300 es
  in vec3 position; in vec3 color; in float radius;
  uniform mat3 turn; uniform float scale, pixels, depth, cut; uniform vec2 aspect;
  out vec3 tint; out float extent, hidden;
  void main() {
    vec3 seen = turn * position;
    tint = color; extent = radius; hidden = step(cut, seen.z);
    gl_Position = vec4(seen.xy * scale * aspect, -seen.z / depth, 1.0);
    if (radius <= 0.0) gl_Position = vec4(2.0, 2.0, 2.0, 1.0); // a point of size 0 is still seen
    gl_PointSize = 2.0 * radius * scale * pixels;
  }`, `#version 300 es
  precision highp float;
  in vec3 tint; in float extent, hidden; uniform float depth; out vec4 shade;
  void main() {
    vec2 at = 2.0 * gl_PointCoord - 1.0;
    float rest = 1.0 - dot(at, at);
    if (rest < 0.0 || hidden > 0.5) discard;
    vec3 normal = vec3(at.x, -at.y, sqrt(rest));
    float light = 0.5 + 0.55 * max(dot(normal, normalize(vec3(-0.4, 0.6, 0.8))), 0.0);
    float gleam = pow(max(dot(normal, normalize(vec3(-0.25, 0.4, 0.9))), 0.0), 30.0);
    float height = gl_FragCoord.z - 0.5 * extent * normal.z / depth;
    float fog = clamp(1.35 - 0.8 * gl_FragCoord.z, 0.6, 1.0);
    shade = vec4(tint * light * fog + 0.22 * gleam, 1.0);
    gl_FragDepth = height;
  }`];

const LINES = [`#version 300 es
  in vec3 position; uniform mat3 turn; uniform float scale, depth; uniform vec2 aspect;
  void main() {
    vec3 seen = turn * position;
    gl_Position = vec4(seen.xy * scale * aspect, -seen.z / depth, 1.0);
  }`, `#version 300 es
  precision mediump float; out vec4 shade;
  void main() { shade = vec4(0.5, 0.56, 0.64, 1.0); }`];
