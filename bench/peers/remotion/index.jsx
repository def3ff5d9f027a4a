/** A Remotion composition that shows a page in a frame: the page's own drawing, at Remotion's times. */

import { useLayoutEffect, useRef, useState } from 'react';
import {
  AbsoluteFill,
  Composition,
  cancelRender,
  continueRender,
  delayRender,
  registerRoot,
  staticFile,
  useCurrentFrame,
  useVideoConfig,
} from 'remotion';

function seek(page, seconds) {
  if (page.__hf?.seek) page.__hf.seek(seconds);
  for (const timeline of Object.values(page.__timelines ?? {})) timeline.totalTime(seconds, false);
}

function Page({ entry, params }) {
  const frame = useCurrentFrame();
  const { fps } = useVideoConfig();
  const element = useRef(null);
  const [isReady, setReady] = useState(false);
  const [handle] = useState(() => delayRender('the page takes its params'));

  const onLoad = () => {
    const page = element.current.contentWindow;
    page.addEventListener(
      'hf-params-ready',
      () => {
        setReady(true);
        page.document.fonts.ready.then(() => continueRender(handle)).catch(cancelRender);
      },
      { once: true },
    );
    page.postMessage({ type: 'hf-params', params }, '*');
  };

  useLayoutEffect(() => {
    if (isReady) seek(element.current.contentWindow, frame / fps);
  }, [isReady, frame, fps]);

  return (
    <AbsoluteFill>
      <iframe
        ref={element}
        src={staticFile(entry)}
        onLoad={onLoad}
        title="page"
        style={{ width: '100%', height: '100%', border: 0 }}
      />
    </AbsoluteFill>
  );
}

registerRoot(() => (
  <Composition
    id="page"
    component={Page}
    width={1920}
    height={1080}
    fps={30}
    durationInFrames={1}
    defaultProps={{ entry: 'index.html', params: {}, width: 1920, height: 1080, fps: 30, frameCount: 1 }}
    calculateMetadata={({ props: { width, height, fps, frameCount } }) => ({
      width,
      height,
      fps,
      durationInFrames: frameCount,
    })}
  />
));
