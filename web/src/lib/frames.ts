/** Draws video frames enlarged by a chosen interpolation on the graphics processor. */

import type { Method } from "@/lib/resample";

const VERTEX = `#version 300 es
in vec2 corner;
void main() { gl_Position = vec4(corner, 0.0, 1.0); }`;

// Keys' kernel with a = -0.5, the same as in resample.ts.
const FRAGMENT = `#version 300 es
precision highp float;
uniform sampler2D frame;
uniform vec2 target;
uniform int method;
out vec4 color;

float keys(float x) {
  float d = abs(x);
  if (d <= 1.0) return (1.5 * d - 2.5) * d * d + 1.0;
  if (d < 2.0) return ((-0.5 * d + 2.5) * d - 4.0) * d + 2.0;
  return 0.0;
}

vec4 texel(ivec2 at, ivec2 size) {
  return texelFetch(frame, clamp(at, ivec2(0), size - 1), 0);
}

void main() {
  ivec2 size = textureSize(frame, 0);
  vec2 at = vec2(gl_FragCoord.x, target.y - gl_FragCoord.y) / target * vec2(size) - 0.5;
  ivec2 base = ivec2(floor(at));
  vec2 part = at - vec2(base);
  if (method == 0) { color = texel(ivec2(floor(at + 0.5)), size); return; }
  int low = method == 1 ? 0 : -1;
  int high = method == 1 ? 1 : 2;
  vec4 sum = vec4(0.0);
  for (int y = low; y <= high; y++) for (int x = low; x <= high; x++) {
    vec2 d = part - vec2(x, y);
    float share = method == 1
      ? (1.0 - abs(d.x)) * (1.0 - abs(d.y)) : keys(d.x) * keys(d.y);
    sum += share * texel(base + ivec2(x, y), size);
  }
  color = vec4(sum.rgb, 1.0);
}`;

const METHODS: Method[] = ["nearest", "bilinear", "bicubic"];

export interface FramePainter {
  /** The frame at the painter's size; valid until the next one is painted. */
  paint: (frame: VideoFrame, method: Method) => OffscreenCanvas;
  release: () => void;
}

/** A painter of frames of a size, or null where the browser has no WebGL 2. */
export function framePainter(width: number, height: number): FramePainter | null {
  const canvas = new OffscreenCanvas(width, height);
  const gl = canvas.getContext("webgl2", { alpha: false, antialias: false });
  if (!gl) return null;
  const most = gl.getParameter(gl.MAX_VIEWPORT_DIMS) as Int32Array;
  if (canvas.width > (most[0] ?? 0) || canvas.height > (most[1] ?? 0)) {
    return null;
  }
  const program = gl.createProgram();
  for (const [kind, text] of [
    [gl.VERTEX_SHADER, VERTEX],
    [gl.FRAGMENT_SHADER, FRAGMENT],
  ] as const) {
    const shader = gl.createShader(kind);
    if (!shader) return null;
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) return null;
  gl.useProgram(program);
  gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
  gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([-1, -1, 3, -1, -1, 3]), gl.STATIC_DRAW);
  const corner = gl.getAttribLocation(program, "corner");
  gl.enableVertexAttribArray(corner);
  gl.vertexAttribPointer(corner, 2, gl.FLOAT, false, 0, 0);
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
  gl.uniform2f(gl.getUniformLocation(program, "target"), canvas.width, canvas.height);
  const method = gl.getUniformLocation(program, "method");
  gl.viewport(0, 0, canvas.width, canvas.height);

  return {
    paint(frame, name) {
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, frame);
      gl.uniform1i(method, METHODS.indexOf(name));
      gl.drawArrays(gl.TRIANGLES, 0, 3);
      return canvas;
    },
    release() {
      gl.getExtension("WEBGL_lose_context")?.loseContext();
    },
  };
}
